#include "summary/distinct.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tcpaccept::summary {
namespace {

TEST(KeyIndex, NumbersKeysInTheOrderOfTheirAppearance) {
  KeyIndex index(3);
  EXPECT_EQ(index.find({1}), KeyIndex::kNone);
  EXPECT_EQ(index.add({7, 8, 9}), 0u);
  EXPECT_EQ(index.add({7, 8, 10}), 1u);
  EXPECT_EQ(index.add({7, 8, 9}), 0u);
  EXPECT_EQ(index.add({0}), 2u);
  EXPECT_EQ(index.add({1}), KeyIndex::kNone) << "it is full";
  EXPECT_EQ(index.find({7, 8, 10}), 1u);
  EXPECT_EQ(index[1], (Key{7, 8, 10}));
  index.clear();
  EXPECT_EQ(index.find({7, 8, 10}), KeyIndex::kNone);
  EXPECT_EQ(index.add({1}), 0u);
}

TEST(KeyIndex, GrowsWithoutForgetting) {
  KeyIndex index(100'000);
  for (std::uint32_t i = 0; i < 100'000; ++i) ASSERT_EQ(index.add({i, i * 3u, 0}), i);
  for (std::uint32_t i = 0; i < 100'000; ++i) ASSERT_EQ(index.find({i, i * 3u, 0}), i);
}

TEST(Estimate, IsWithinAFewPercentFromOneToMillions) {
  EXPECT_EQ(Estimate{}.count(), 0u);
  for (const std::uint64_t wanted : {1u, 2u, 10u, 100u, 3'000u, 12'000u, 100'000u, 3'000'000u}) {
    Estimate estimate;
    for (int again = 0; again < 2; ++again) {
      for (std::uint64_t i = 0; i < wanted; ++i) estimate.add(spread({i, 0, wanted}));
    }
    const double error = std::abs(static_cast<double>(estimate.count()) / static_cast<double>(wanted) - 1);
    EXPECT_LT(error, 0.05) << wanted << " estimated as " << estimate.count();
  }
}

TEST(Distinct, IsExactUpToItsLimitAndSaysSo) {
  Distinct distinct(100);
  for (std::uint64_t i = 0; i < 100; ++i) distinct.add({i});
  for (std::uint64_t i = 0; i < 100; ++i) distinct.add({i});
  EXPECT_TRUE(distinct.exact());
  EXPECT_EQ(distinct.count(), 100u);
  for (std::uint64_t i = 0; i < 10'000; ++i) distinct.add({i});
  EXPECT_FALSE(distinct.exact());
  EXPECT_NEAR(static_cast<double>(distinct.count()), 10'000, 500);
}

}  // namespace
}  // namespace tcpaccept::summary
