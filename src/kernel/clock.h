// One instant on three clocks, so that event times (CLOCK_MONOTONIC) can be turned into wall time later and
// clock steps and suspends can be seen.
#pragma once

#include <time.h>

#include <cstdint>
#include <limits>

namespace tcpaccept::kernel {

struct ClockReading {
  std::uint64_t monotonic = 0;  // nanoseconds of CLOCK_MONOTONIC
  std::int64_t realtime = 0;    // nanoseconds since 1970 UTC, CLOCK_REALTIME
  std::uint64_t boottime = 0;   // nanoseconds of CLOCK_BOOTTIME
};

inline std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline std::uint64_t monotonic_now() { return static_cast<std::uint64_t>(read_clock(CLOCK_MONOTONIC)); }

// The three are read between two readings of CLOCK_MONOTONIC. Of a few attempts the one that took least is
// kept, so that being scheduled away in the middle does not show as a step of a clock.
inline ClockReading read_clocks() {
  ClockReading best;
  std::uint64_t best_span = std::numeric_limits<std::uint64_t>::max();
  for (int attempt = 0; attempt < 4; ++attempt) {
    const std::uint64_t before = monotonic_now();
    const std::int64_t realtime = read_clock(CLOCK_REALTIME);
    const auto boottime = static_cast<std::uint64_t>(read_clock(CLOCK_BOOTTIME));
    const std::uint64_t span = monotonic_now() - before;
    if (span >= best_span) continue;
    best_span = span;
    best = {.monotonic = before + span / 2, .realtime = realtime, .boottime = boottime};
  }
  return best;
}

}  // namespace tcpaccept::kernel
