// A condition on an argument of the probed function that is checked before anything is fetched for an event.
//
// An event's own filter comes last: all of its fields are fetched first, and a field behind a pointer that is none costs
// a fault each time. A three-line BPF program in front of the event lets only those calls through that it is for.
#pragma once

#include <cstdint>
#include <optional>

#include "core/unique_fd.h"

namespace tcpaccept::kernel {

// The 16 bits at `offset` behind the pointer in argument `argument` (1 to 3) must be `value`.
struct Gate {
  int argument = 1;
  std::uint32_t offset = 0;
  std::uint16_t value = 0;
  bool operator==(const Gate&) const = default;
};

// The program for PERF_EVENT_IOC_SET_BPF; invalid when this kernel or this process may not have one (errno says why).
// Attached to one perf event it holds for all perf events of the same trace event, for as long as that one is open.
UniqueFd load_gate(const Gate& gate);

}  // namespace tcpaccept::kernel
