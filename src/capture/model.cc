#include "capture/model.h"

#include <algorithm>

namespace tcpaccept::capture {

std::string_view Batch::cgroup_path(std::uint64_t id) const {
  const auto at = std::lower_bound(cgroups.begin(), cgroups.end(), id,
                                   [](const CgroupPath& cgroup, std::uint64_t wanted) { return cgroup.id < wanted; });
  return at != cgroups.end() && at->id == id ? std::string_view{at->path} : std::string_view{};
}

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
  left.clear();
  cgroups.clear();
  cpu_losses.clear();
  gaps.clear();
  first_event = kNotRecorded64;
  open = 0;
  clock = {};
  ledger.reset();
}

}  // namespace tcpaccept::capture
