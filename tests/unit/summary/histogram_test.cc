#include "summary/histogram.h"

#include <gtest/gtest.h>

#include <limits>

namespace tcpaccept::summary {
namespace {

Histogram of(const std::vector<std::uint64_t>& values) {
  Histogram histogram;
  for (const std::uint64_t value : values) ++histogram.places_up_to(value)[Histogram::place_of(value)];
  return histogram;
}

TEST(Histogram, HasAPlaceForEveryNumberInTheirOrder) {
  EXPECT_EQ(Histogram::place_of(0), Histogram::kNoValue + 1);
  EXPECT_EQ(Histogram::place_of(std::numeric_limits<std::uint64_t>::max()), Histogram::kMostPlaces - 1);
  std::size_t last = Histogram::kNoValue;
  for (std::uint64_t value = 0; value < 100'000; ++value) {
    const std::size_t place = Histogram::place_of(value);
    ASSERT_TRUE(place == last || place == last + 1) << value;
    last = place;
  }
}

TEST(Histogram, KnowsEveryNumberToWithinThreePercent) {
  for (std::uint64_t value = 1; value < std::uint64_t{1} << 62; value += 1 + value / 7) {
    const auto shown = static_cast<double>(of({value}).value_at(0.5));
    ASSERT_NEAR(shown / static_cast<double>(value), 1, 0.0313) << value;
  }
}

TEST(Histogram, FindsQuantiles) {
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 1; i <= 1000; ++i) values.push_back(i);
  const Histogram histogram = of(values);
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_NEAR(static_cast<double>(histogram.value_at(0.5)), 500, 16);
  EXPECT_NEAR(static_cast<double>(histogram.value_at(0.99)), 990, 31);
  EXPECT_EQ(histogram.value_at(0), 1u);
  EXPECT_EQ(Histogram{}.value_at(0.5), 0u);
}

TEST(Histogram, DoesNotCountWhatIsNoValue) {
  Histogram histogram;
  histogram.places_up_to(9)[Histogram::kNoValue] += 5;
  EXPECT_EQ(histogram.count(), 0u);
  Histogram other = of({7});
  histogram.add(other);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.value_at(1), 7u);
}

}  // namespace
}  // namespace tcpaccept::summary
