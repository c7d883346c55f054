#include "capture/model.h"

namespace tcpaccept::capture {

void Batch::clear() {
  listeners.clear();
  peers.clear();
  time.clear();
  listener.clear();
  peer.clear();
  rport.clear();
  tid.clear();
  cpu.clear();
  wait_us.clear();
  ahead.clear();
  rtt_us.clear();
  clock = {};
  ledger.reset();
}

}  // namespace tcpaccept::capture
