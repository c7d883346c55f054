#include "summary/heavy_hitters.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tcpaccept::summary {
namespace {

TEST(HeavyHitters, AreExactWhileAllHaveRoom) {
  HeavyHitters hitters(4);
  hitters.add({1}, 2, Comm::from("old"));
  hitters.add({2}, 5);
  hitters.add({3}, 2);
  hitters.add({1}, 1, Comm::from("new"));
  hitters.add({4}, 1);
  EXPECT_TRUE(hitters.exact());
  EXPECT_EQ(hitters.distinct(), 4u);
  const auto top = hitters.top(3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].key, Key{2});
  EXPECT_EQ(top[1].key, Key{1});
  EXPECT_EQ(top[1].count, 3u);
  EXPECT_EQ(top[1].excess, 0u);
  EXPECT_EQ(top[1].name.view(), "new");
  EXPECT_EQ(top[2].key, Key{3});
  EXPECT_EQ(hitters.top(10).size(), 4u);
}

TEST(HeavyHitters, EqualCountsAreInTheOrderOfTheirKeys) {
  HeavyHitters hitters(10);
  for (const std::uint64_t key : {5u, 3u, 9u, 1u}) hitters.add({key}, 7);
  const auto top = hitters.top(2);
  EXPECT_EQ(top[0].key, Key{1});
  EXPECT_EQ(top[1].key, Key{3});
}

// The promise of the header, on a stream with far more keys than there is room for.
TEST(HeavyHitters, BoundsHoldAgainstTheTruth) {
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937_64 random(seed);
    constexpr std::uint32_t kRoom = 64;
    HeavyHitters hitters(kRoom);
    std::map<Key, std::uint64_t> truth;
    std::uint64_t all = 0;
    for (int i = 0; i < 50'000; ++i) {
      // A few keys that are frequent, others that come seldom, some late.
      const Key key{random() % 3 == 0 ? random() % 8 + (i > 25'000 ? 100 : 0) : 1000 + random() % 20'000};
      const std::uint64_t times = 1 + random() % 5;
      hitters.add(key, times);
      truth[key] += times;
      all += times;
    }
    EXPECT_FALSE(hitters.exact());
    EXPECT_LE(hitters.error(), 2 * all / kRoom);
    EXPECT_NEAR(static_cast<double>(hitters.distinct()), static_cast<double>(truth.size()), 0.06 * static_cast<double>(truth.size()));
    std::map<Key, std::uint64_t> left = truth;
    for (const auto& entry : hitters.top(kRoom)) {
      EXPECT_LE(entry.count, truth[entry.key]);
      EXPECT_GE(entry.count + entry.excess, truth[entry.key]);
      EXPECT_LE(entry.excess, hitters.error());
      left.erase(entry.key);
    }
    for (const auto& [key, count] : left) EXPECT_LE(count, hitters.error());
  }
}

}  // namespace
}  // namespace tcpaccept::summary
