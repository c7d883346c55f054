#include "page/time_bins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace tcpaccept::page {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMs;

struct Counted {
  Axis axis;
  Series<std::uint64_t> bins{Axis::kMostBins};
  Series<std::uint64_t> coarse{Axis::kMostCoarse};

  void add(std::int64_t instant) {
    if (const std::int64_t factor = axis.factor_for(instant); factor != 1) {
      bins.widen(axis.first(), axis.last(), factor);
      coarse.widen(Axis::coarse(axis.first()), Axis::coarse(axis.last()), factor);
    }
    axis.add(instant);
    ++bins[axis.bin(instant)];
    ++coarse[Axis::coarse(axis.bin(instant))];
  }
  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (std::int64_t bin = axis.first(); bin <= axis.last(); ++bin) sum += bins[bin];
    return sum;
  }
};

TEST(Axis, BeginsWithMilliseconds) {
  Counted counted;
  counted.add(5 * kSecond);
  counted.add(5 * kSecond + kMs - 1);
  counted.add(5 * kSecond + kMs);
  EXPECT_EQ(counted.axis.width(), kMs);
  EXPECT_EQ(counted.bins[5000], 2u);
  EXPECT_EQ(counted.bins[5001], 1u);
}

TEST(Axis, WidensToWhatPeopleCountIn) {
  Counted counted;
  counted.add(0);
  counted.add(9 * kSecond);
  EXPECT_EQ(counted.axis.width(), 2 * kMs);
  counted.add(3'600 * kSecond);
  EXPECT_EQ(counted.axis.width(), kSecond);
  EXPECT_EQ(counted.bins[0], 1u);
  EXPECT_EQ(counted.bins[9], 1u);
  EXPECT_EQ(counted.bins[3600], 1u);
  EXPECT_EQ(counted.coarse[450], 1u);
}

TEST(Axis, TakesTimesThatGoBackAndTimesBefore1970) {
  Counted counted;
  counted.add(100 * kSecond);
  counted.add(-kSecond);
  counted.add(-1);
  EXPECT_EQ(counted.axis.width(), 20 * kMs);
  EXPECT_EQ(counted.bins[counted.axis.bin(-1)], 1u);
  EXPECT_EQ(counted.axis.bin(-1), -1);
  EXPECT_EQ(counted.sum(), 3u);
}

TEST(Axis, HoldsAllOfTime) {
  Counted counted;
  counted.add(1'795'421'450 * kSecond);
  counted.add(std::numeric_limits<std::int64_t>::min());
  counted.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_LT(counted.axis.last() - counted.axis.first(), static_cast<std::int64_t>(Axis::kMostBins));
  EXPECT_EQ(counted.sum(), 3u);
}

TEST(Axis, LosesNothingInAnyOrder) {
  std::mt19937_64 random{7};
  for (int round = 0; round < 50; ++round) {
    Counted counted;
    std::vector<std::int64_t> instants;
    for (int i = 0; i < 300; ++i) {
      const auto span = std::int64_t{1} << random() % 62;
      const auto instant = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span));
      instants.push_back(random() % 2 == 0 ? instant : -instant);
      counted.add(instants.back());
    }
    // The same as counting everything at the width it ended with.
    std::uint64_t found = 0;
    for (std::int64_t bin = counted.axis.first(); bin <= counted.axis.last(); ++bin) {
      const auto expected = std::count_if(instants.begin(), instants.end(), [&](std::int64_t instant) {
        return floor_divided(instant, counted.axis.width()) == bin;
      });
      ASSERT_EQ(counted.bins[bin], static_cast<std::uint64_t>(expected));
      found += counted.bins[bin];
    }
    ASSERT_EQ(found, instants.size());
    std::uint64_t in_coarse = 0;
    for (std::int64_t bin = Axis::coarse(counted.axis.first()); bin <= Axis::coarse(counted.axis.last()); ++bin) {
      in_coarse += counted.coarse[bin];
    }
    ASSERT_EQ(in_coarse, instants.size());
  }
}

}  // namespace
}  // namespace tcpaccept::page
