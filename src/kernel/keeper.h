// A small process that stays behind with the privileges the recorder gives up, for three duties:
//   - it removes the probe when the recorder says so or is gone, however it went (SIGKILL included);
//   - it opens the perf events of a CPU that comes online, and hands them over;
//   - it has ftrace record on CPUs that are offline, for when they come (kernel/rescue.h).
// It knows what to remove and what to open from the moment it is made; nothing a recorder says later widens that.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "kernel/perf_events.h"
#include "kernel/tracefs.h"

namespace tcpaccept::kernel {

class Keeper {
 public:
  // Forks; call before there are threads. `events`: full names, "group/event", of the probe's events. From now on the
  // probe is the keeper's: it has its own descriptor of kprobe_events, and of the switches others may throw in ftrace.
  // Throws Error, also when the keeper ends before it is ready.
  Keeper(const Tracefs& tracefs, const std::vector<std::string>& events, const EventOpener& opener);
  ~Keeper() { close(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // See EventOpener::open. Throws Error, also when the keeper itself is gone or does not answer.
  std::vector<UniqueFd> open(std::uint16_t cpu);

  // From now on ftrace records the probe's first event on this CPU. Throws Error, as where the keeper may not do that.
  struct Trace {
    UniqueFd pipe;                   // trace_pipe_raw of the CPU
    std::vector<UniqueFd> switches;  // see TraceInstance::switches
  };
  Trace trace(std::uint16_t cpu);

  // Has the probe removed, whose perf events and traces must be closed by now; the keeper ends then. Idempotent; never throws.
  // Returns "" or one line saying why it is still there.
  std::string close();

 private:
  std::vector<UniqueFd> ask(std::uint16_t what, std::uint16_t cpu);

  std::string probe_;  // the first event, for messages
  UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace tcpaccept::kernel
