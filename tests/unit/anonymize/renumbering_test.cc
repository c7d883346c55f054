#include "anonymize/renumbering.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace tcpaccept::anonymize {
namespace {

TEST(Renumbering, IsAPermutationOfEachRange) {
  Renumbering ports(Key{1}, "port", {.kept = 1024, .small = 16, .all = 16});
  std::vector<std::uint64_t> numbers(65536);
  std::iota(numbers.begin(), numbers.end(), 0u);
  std::vector<std::uint64_t> mapped = numbers;
  ports.map(mapped);
  std::size_t same = 0;
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    if (i < 1024) {
      EXPECT_EQ(mapped[i], numbers[i]);
    } else {
      EXPECT_GE(mapped[i], 1024u);
      same += mapped[i] == numbers[i] ? 1u : 0u;
    }
  }
  EXPECT_LT(same, 10u);
  std::sort(mapped.begin(), mapped.end());
  EXPECT_EQ(mapped, numbers);
}

TEST(Renumbering, SmallStaysSmallAndZeroStays) {
  Renumbering pids(Key{1}, "pid", {.small = 22, .all = 32});
  EXPECT_EQ(pids.map(0), 0u);
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t pid = 1; pid < 3000; ++pid) numbers.push_back(pid);
  const std::size_t small = numbers.size();
  for (std::uint64_t pid = 0; pid < 3000; ++pid) numbers.push_back((std::uint64_t{1} << 22) + pid * 77777);
  std::vector<std::uint64_t> mapped = numbers;
  pids.map(mapped);
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    if (i < small) {
      EXPECT_GE(mapped[i], 1u);
      EXPECT_LT(mapped[i], 1u << 22);
    } else {
      EXPECT_GE(mapped[i], 1u << 22);
      EXPECT_LE(mapped[i], 0xffffffffu);
    }
    EXPECT_EQ(mapped[i], pids.map(numbers[i]));
  }
  std::sort(mapped.begin(), mapped.end());
  EXPECT_EQ(std::unique(mapped.begin(), mapped.end()), mapped.end());
}

TEST(Renumbering, SixtyFourBits) {
  Renumbering cgroups(Key{1}, "cgroup", {.small = 32, .all = 64});
  const std::uint64_t large = std::uint64_t{7} << 40;
  EXPECT_LT(cgroups.map(4096), std::uint64_t{1} << 32);
  EXPECT_GE(cgroups.map(large), std::uint64_t{1} << 32);
  EXPECT_NE(cgroups.map(large), large);
  EXPECT_NE(cgroups.map(large), cgroups.map(large + 1));
}

TEST(Renumbering, DependsOnKeyAndUse) {
  const Renumbering::Range range{.small = 22, .all = 32};
  EXPECT_NE(Renumbering(Key{1}, "pid", range).map(1463), Renumbering(Key{2}, "pid", range).map(1463));
  EXPECT_NE(Renumbering(Key{1}, "pid", range).map(1463), Renumbering(Key{1}, "other", range).map(1463));
  EXPECT_EQ(Renumbering(Key{1}, "pid", range).map(1463), Renumbering(Key{1}, "pid", range).map(1463));
}

}  // namespace
}  // namespace tcpaccept::anonymize
