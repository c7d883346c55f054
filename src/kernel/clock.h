// One instant on three clocks, so that event times (CLOCK_MONOTONIC) can be turned into wall time later and
// clock steps and suspends can be seen.
//
// Samples carry the machine's clock, while clock_gettime(2) in a time namespace gives another one. All readings here are
// the machine's.
#pragma once

#include <time.h>

#include <cstdint>
#include <istream>

namespace tcpaccept::kernel {

struct ClockReading {
  std::uint64_t monotonic = 0;  // nanoseconds of CLOCK_MONOTONIC
  std::int64_t realtime = 0;    // nanoseconds since 1970 UTC, CLOCK_REALTIME
  std::uint64_t boottime = 0;   // nanoseconds of CLOCK_BOOTTIME
};

std::uint64_t monotonic_now();

// The three are read between two readings of CLOCK_MONOTONIC. Of a few attempts the one that took least is
// kept, so that being scheduled away in the middle does not show as a step of a clock.
ClockReading read_clocks();

// What a time namespace adds to the machine's clocks, nanoseconds; from the text of timens_offsets (time_namespaces(7)).
struct ClockOffsets {
  std::int64_t monotonic = 0;
  std::int64_t boottime = 0;
  bool operator==(const ClockOffsets&) const = default;
};
ClockOffsets parse_timens_offsets(std::istream& text);

}  // namespace tcpaccept::kernel
