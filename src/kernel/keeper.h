// A small process that stays behind with the privileges the recorder gives up, for two duties:
//   - it removes the probe when the recorder is gone, however it went (SIGKILL included);
//   - it opens the perf events of a CPU that comes online, and hands them over.
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
  // Forks; call before there are threads. `events`: full names, "group/event", of the probe's events.
  Keeper(const Tracefs& tracefs, const std::vector<std::string>& events, const EventOpener& opener);
  // Ends it and waits. The probe should be removed by then; if it is not, the keeper does it.
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // See EventOpener::open. Throws Error, also when the keeper itself is gone.
  std::vector<UniqueFd> open(std::uint16_t cpu);

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace tcpaccept::kernel
