#include "kernel/clock.h"

#include <fstream>
#include <limits>

namespace tcpaccept::kernel {
namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

const ClockOffsets& offsets() {
  static const ClockOffsets ours = [] {
    std::ifstream file{"/proc/self/timens_offsets"};
    return parse_timens_offsets(file);
  }();
  return ours;
}

}  // namespace

ClockOffsets parse_timens_offsets(std::istream& text) {
  ClockOffsets offsets;
  std::string clock;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  while (text >> clock >> seconds >> nanoseconds) {
    const std::int64_t offset = seconds * 1'000'000'000 + nanoseconds;
    if (clock == "monotonic") offsets.monotonic = offset;
    if (clock == "boottime") offsets.boottime = offset;
  }
  return offsets;
}

std::uint64_t monotonic_now() { return static_cast<std::uint64_t>(read_clock(CLOCK_MONOTONIC) - offsets().monotonic); }

ClockReading read_clocks() {
  ClockReading best;
  std::uint64_t best_span = std::numeric_limits<std::uint64_t>::max();
  for (int attempt = 0; attempt < 4; ++attempt) {
    const std::uint64_t before = monotonic_now();
    const std::int64_t realtime = read_clock(CLOCK_REALTIME);
    const auto boottime = static_cast<std::uint64_t>(read_clock(CLOCK_BOOTTIME) - offsets().boottime);
    const std::uint64_t span = monotonic_now() - before;
    if (span >= best_span) continue;
    best_span = span;
    best = {.monotonic = before + span / 2, .realtime = realtime, .boottime = boottime};
  }
  return best;
}

}  // namespace tcpaccept::kernel
