#include "text/wall_time.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "text/digits.h"

namespace tcpaccept::text {
namespace {

TEST(WallTime, YearBoundariesAndLeapDays) {
  EXPECT_EQ(wall_text(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(wall_text(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(wall_text(946'684'799'999'999'999), "1999-12-31T23:59:59.999999999Z");
  EXPECT_EQ(wall_text(946'684'800'000'000'000), "2000-01-01T00:00:00.000000000Z");
  EXPECT_EQ(wall_text(951'782'400'000'000'000), "2000-02-29T00:00:00.000000000Z");
  EXPECT_EQ(wall_text(1'795'421'450'123'456'789), "2026-11-23T08:10:50.123456789Z");
  EXPECT_EQ(wall_text(4'107'542'400'000'000'000), "2100-03-01T00:00:00.000000000Z");  // 2100 has no 29 February
  EXPECT_EQ(wall_text(std::numeric_limits<std::int64_t>::max()), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(wall_text(std::numeric_limits<std::int64_t>::min()), "1677-09-21T00:12:43.145224192Z");
}

TEST(WallTime, DigitsAreCutNotRounded) {
  EXPECT_EQ(wall_text(1'999'999'999, 0), "1970-01-01T00:00:01Z");
  EXPECT_EQ(wall_text(1'999'999'999, 1), "1970-01-01T00:00:01.9Z");
  EXPECT_EQ(wall_text(1'999'999'999, 6), "1970-01-01T00:00:01.999999Z");
}

TEST(WallTime, Parses) {
  EXPECT_EQ(parse_wall("1970-01-01 00:00:00"), 0);
  EXPECT_EQ(parse_wall("2026-11-23T08:10:50Z"), 1'795'421'450'000'000'000);
  EXPECT_EQ(parse_wall("2026-11-23 08:10:50.5"), 1'795'421'450'500'000'000);
  EXPECT_EQ(parse_wall("2026-11-23T08:10:50.123456789Z"), 1'795'421'450'123'456'789);
  EXPECT_EQ(parse_wall("2026-11-23T09:10:50+01:00"), 1'795'421'450'000'000'000);
  EXPECT_EQ(parse_wall("2026-11-22T23:40:50-08:30"), 1'795'421'450'000'000'000);
  EXPECT_EQ(parse_wall("2000-02-29T00:00:00Z"), 951'782'400'000'000'000);
}

TEST(WallTime, RefusesEverythingElse) {
  for (const char* text :
       {"", "2026", "2026-11-23", "08:10:50", "2026-11-23T08:10", "2026-13-23T08:10:50", "2026-02-29T08:10:50",
        "2026-11-00T08:10:50", "2026-11-23T24:10:50", "2026-11-23T08:60:50", "2026-11-23T08:10:60",
        "2026-11-23T08:10:50.", "2026-11-23T08:10:50.1234567890", "2026-11-23T08:10:50+1:00",
        "2026-11-23T08:10:50+24:00", "2026-11-23T08:10:50+01:60", "2026-11-23T08:10:50Zulu",
        "2026-11-23T08:10:50 ", " 2026-11-23T08:10:50", "2026/11/23T08:10:50", "1677-11-23T08:10:50",
        "2262-01-01T00:00:00", "+5", "2026-11-23T08:10:50+0100"}) {
    EXPECT_FALSE(parse_wall(text)) << text;
  }
}

TEST(WallTime, TextAndBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    // 1678 to 2261, what parse_wall takes
    const auto instant = static_cast<std::int64_t>(random() % 18'000'000'000'000'000'000u - 9'000'000'000'000'000'000u);
    ASSERT_EQ(parse_wall(wall_text(instant)), instant);
  }
}

TEST(WallTime, Seconds) {
  EXPECT_EQ(parse_seconds("0"), 0);
  EXPECT_EQ(parse_seconds("2"), 2'000'000'000);
  EXPECT_EQ(parse_seconds("2.5"), 2'500'000'000);
  EXPECT_EQ(parse_seconds("0.000000001"), 1);
  EXPECT_EQ(parse_seconds("999999999.999999999"), 999'999'999'999'999'999);
  for (const char* text : {"", ".5", "2.", "-1", "+1", "1e3", "2.1234567890", "1000000000", " 1", "1 ", "1.2.3", "x"}) {
    EXPECT_FALSE(parse_seconds(text)) << text;
  }
}

TEST(Digits, EveryLengthOfNumber) {
  char text[kScribble + 32];
  const auto put = [&](std::uint64_t value) { return std::string(text, put_number(text, value)); };
  std::uint64_t power = 1;
  for (int digits = 1; digits <= 20; ++digits, power *= 10) {
    for (const std::uint64_t value : {power - 1, power, power + 1, power * 9 / 2 + 3}) {
      EXPECT_EQ(put(value), std::to_string(value));
    }
  }
  EXPECT_EQ(put(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  for (std::uint32_t value = 0; value < 70'000; ++value) {
    ASSERT_EQ(std::string(text, put_number(text, value)), std::to_string(value));
  }
}

}  // namespace
}  // namespace tcpaccept::text
