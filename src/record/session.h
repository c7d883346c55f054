// One tracing session: the tracer drives the pump until a signal, a limit or trouble ends it.
//
// This is the loop between the kernel and a consumer; the recorder's consumer writes a capture, the live tool's
// prints rows. The probe is gone when run_session returns or throws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/model.h"
#include "kernel/tracer.h"
#include "record/interrupts.h"
#include "record/pump.h"
#include "record/raw_log.h"

namespace tcpaccept::record {

struct SessionOptions {
  kernel::TracerOptions tracer;
  PumpOptions pump;
  std::uint64_t duration = 0;             // nanoseconds; 0 = until a signal
  int drain_interval_ms = 250;            // how often rings are emptied that are less than half full
  std::string program;                    // for capture::Start::recorder, with its version
  RawLogWriter* raw = nullptr;            // borrowed; also receives all inputs
  int watched_output = -1;                // borrowed descriptor; when its reader goes away the session ends
};

// What the session did, and why it ended.
struct SessionResult {
  PumpTotals totals;
  std::string reason;  // as in capture::End::reason
  // Trouble that did not end the session, one line each (the probe could not be removed, ...).
  std::vector<std::string> warnings;
  bool process_ended = false;  // ended because no traced process is left
  bool output_closed = false;  // ended because nobody reads the output any more
};

class Consumer {
 public:
  virtual ~Consumer() = default;
  // The probe is set up and proved, privileges are still there: the last chance to touch the file system.
  virtual void prepare(const capture::Start&) {}
  // The probe is live.
  virtual void start(const capture::Start& start) = 0;
  virtual void batch(const capture::Batch& batch) = 0;
  virtual void end(const capture::End& end) = 0;
  // Something the user should know while it goes on; one line.
  virtual void notice(const std::string& line) = 0;
  // After each round, for a status line. `elapsed` in nanoseconds.
  virtual void round(const PumpTotals&, std::size_t /*pending*/, std::uint64_t /*elapsed*/) {}
};

// Blocks until the session is over. When the probe is set up this process gives up all privileges, for good
// (kernel/privileges.h). Throws Error when tracing cannot start, and whatever the consumer throws.
SessionResult run_session(const SessionOptions& options, Consumer& consumer, Interrupts& interrupts);

}  // namespace tcpaccept::record
