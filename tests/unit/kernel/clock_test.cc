#include "kernel/clock.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tcpaccept::kernel
