#include "kernel/clock.h"

#include <gtest/gtest.h>

#include <sstream>

namespace tcpaccept::kernel {
namespace {

TEST(Clocks, AreReadTogether) {
  const std::uint64_t before = monotonic_now();
  const ClockReading reading = read_clocks();
  const std::uint64_t after = monotonic_now();
  EXPECT_GE(reading.monotonic, before);
  EXPECT_LE(reading.monotonic, after);
  EXPECT_GE(reading.boottime + 1'000'000'000, reading.monotonic);  // runs on during suspend
  EXPECT_GT(reading.realtime, 1'500'000'000'000'000'000);          // after 2017
}

TEST(Clocks, OffsetsOfATimeNamespace) {
  std::istringstream text{"monotonic        -86400         5\nboottime          1000 999999999\nother 1 1\n"};
  EXPECT_EQ(parse_timens_offsets(text), (ClockOffsets{.monotonic = -86'399'999'999'995, .boottime = 1'000'999'999'999}));
  std::istringstream nonsense{"monotonic x y\n"};
  EXPECT_EQ(parse_timens_offsets(nonsense), ClockOffsets{});
}

}  // namespace
}  // namespace tcpaccept::kernel
