#include "summary/over_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "support/samples.h"

namespace tcpaccept::summary {
namespace {

using namespace samples;
using ::testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

std::string written(Summary& summary, text::Format format = text::Format::kTable) {
  std::string out;
  summary.write(format, {}, [&](std::string_view text) { out += text; });
  return out;
}

capture::Batch at(const std::vector<std::int64_t>& nanoseconds) {
  std::vector<Accept> accepts;
  for (const std::int64_t time : nanoseconds) {
    accepts.push_back(sshd());
    accepts.back().time += static_cast<std::uint64_t>(time);
  }
  return batch_of(accepts);
}

void add(Summary& summary, const std::vector<std::int64_t>& nanoseconds) {
  const capture::Batch batch = at(nanoseconds);
  summary.add(batch, all_rows(batch));
}

TEST(OverTime, CountsInEachIntervalOfTheWallClock) {
  OverTime summary(kSecond);
  add(summary, {2 * kSecond, 2 * kSecond + 1, 3 * kSecond - 1, 3 * kSecond});
  add(summary, {0, 999'999'999});  // batches may come in any order
  EXPECT_EQ(written(summary),
            "TIME(UTC)             ACCEPTS  RATE/s\n"
            "2026-11-23T08:10:50Z        2     2.0     ###########################\n"
            "2026-11-23T08:10:51Z        0     0.0\n"
            "2026-11-23T08:10:52Z        3     3.0     ########################################\n"
            "2026-11-23T08:10:53Z        1     1.0     #############\n");
  EXPECT_EQ(written(summary, text::Format::kCsv),
            "begin,end,accepts,per_second,incomplete\r\n"
            "2026-11-23T08:10:50.000000000Z,2026-11-23T08:10:51.000000000Z,2,2.000,0\r\n"
            "2026-11-23T08:10:51.000000000Z,2026-11-23T08:10:52.000000000Z,0,0.000,0\r\n"
            "2026-11-23T08:10:52.000000000Z,2026-11-23T08:10:53.000000000Z,3,3.000,0\r\n"
            "2026-11-23T08:10:53.000000000Z,2026-11-23T08:10:54.000000000Z,1,1.000,0\r\n");
}

TEST(OverTime, IntervalsBeginAtMultiplesOfTheirLength) {
  OverTime summary(60 * kSecond);
  add(summary, {0, 9 * kSecond, 10 * kSecond});  // from 08:10:50
  EXPECT_THAT(written(summary), HasSubstr("08:10:00Z        2"));
  EXPECT_THAT(written(summary), HasSubstr("08:11:00Z        1"));
}

TEST(OverTime, CountsChosenRowsOnly) {
  OverTime summary(kSecond);
  const capture::Batch batch = at({0, 1, 2, 3 * kSecond, 3 * kSecond + 1});
  summary.add(batch, std::vector<std::uint32_t>{1, 4});
  EXPECT_THAT(written(summary, text::Format::kJson), HasSubstr("\"accepts\":1,"));
  EXPECT_THAT(written(summary, text::Format::kJson), ::testing::Not(HasSubstr("\"accepts\":2,")));
}

TEST(OverTime, MarksHoles) {
  OverTime summary(kSecond);
  add(summary, {0, 8 * kSecond});
  summary.mark(kWall + 2 * kSecond, kWall + 3 * kSecond - 1);
  summary.mark(kWall + 5 * kSecond - 1, kWall + 5 * kSecond);
  summary.mark(kWall + 2 * kSecond, kWall + 2 * kSecond);
  const std::string csv = written(summary, text::Format::kCsv);
  std::string marks;
  for (std::size_t end = csv.find("\r\n", csv.find("\r\n") + 2); end != std::string::npos; end = csv.find("\r\n", end + 2)) {
    marks += csv[end - 1];
  }
  EXPECT_EQ(marks, "001011000");
  EXPECT_THAT(written(summary), HasSubstr("08:10:52Z        0     0.0  !\n"));
  EXPECT_THAT(written(summary), HasSubstr("! accepts are missing here, or may be\n"));
}

TEST(OverTime, TooManyHolesMarkEverything) {
  OverTime summary(kSecond);
  add(summary, {0});
  for (std::int64_t i = 0; i < 70'000; ++i) summary.mark(kWall - 10 * i * kSecond - 5 * kSecond, kWall - 10 * i * kSecond - 5 * kSecond);
  EXPECT_THAT(written(summary), HasSubstr("!"));
}

TEST(OverTime, IdleTimesAreALineOfTheTable) {
  OverTime summary(kSecond);
  add(summary, {0, 100 * kSecond});
  EXPECT_THAT(written(summary), HasSubstr("2026-11-23T08:10:51Z  no accepts in 99 intervals\n"));
  summary.mark(kWall + 50 * kSecond, kWall + 50 * kSecond);
  EXPECT_THAT(written(summary), HasSubstr("no accepts in 49 intervals\n2026-11-23T08:11:40Z        0     0.0  !\n"));
}

TEST(OverTime, RefusesMoreIntervalsThanFit) {
  OverTime summary(kSecond);
  add(summary, {0});
  add(summary, {(OverTime::kIntervals - 1) * kSecond});
  EXPECT_THROW(add(summary, {OverTime::kIntervals * kSecond}), Error);
}

TEST(OverTime, StandsTheEndsOfTheClock) {
  for (const std::int64_t interval : {OverTime::kShortest, kSecond, OverTime::kLongest}) {
    OverTime summary(interval);
    Accept accept = sshd();
    accept.time = std::numeric_limits<std::uint64_t>::max();
    for (const std::int64_t wall : {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
      const capture::Batch batch = batch_of({accept}, {.monotonic = accept.time, .realtime = wall});
      try {
        summary.add(batch, all_rows(batch));
      } catch (const Error&) {  // the two ends are many intervals apart
      }
    }
    summary.mark(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    EXPECT_THAT(written(summary, text::Format::kCsv), HasSubstr(",1,"));
  }
}

TEST(OverTime, OfNothingIsAHeader) {
  OverTime summary(kSecond);
  EXPECT_EQ(written(summary, text::Format::kCsv), "begin,end,accepts,per_second,incomplete\r\n");
}

}  // namespace
}  // namespace tcpaccept::summary
