#include "report/summary_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "report/report.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::HasSubstr;
using ::testing::Not;

class Summaries : public Reports {
 protected:
  std::string run(const std::vector<std::string>& arguments) {
    status_ = Reports::run(arguments);
    return output_;
  }

  // Batches of one accept in ten microseconds, from `first` on.
  static std::string capture(std::uint64_t first, std::size_t batches) {
    std::string bytes = frame(start());
    std::uint64_t written = 0;
    for (std::size_t i = 0; i < batches; ++i) {
      std::vector<Accept> accepts;
      for (std::size_t row = 0; row < 100; ++row) {
        accepts.push_back(row % 4 == 0 ? iperf3() : sshd());
        accepts.back().time += first + 10'000 * written++;
      }
      bytes += frame(batch_of(accepts));
    }
    return bytes + frame(end(written, batches));
  }

  Exit status_{};
};

// Their rows interleave, so every run is a row long.
TEST_F(Summaries, CountEveryRowOfInputsThatInterleaveOnce) {
  const std::string a = write("a", capture(0, 5));
  const std::string b = write("b", capture(5'000, 7));
  EXPECT_THAT(run({"--summary", a, b}), HasSubstr("total: 1200 accepts on 2 listeners"));
  EXPECT_THAT(run({"--summary", "--comm", "sshd", "-j", "1", a, b}), HasSubstr("total: 900 accepts on 1 listener "));
  EXPECT_THAT(run({"--top", "1", "--by", "comm", a, b}), HasSubstr("sshd       900  75.0%"));
  EXPECT_THAT(run({"--rate", "1s", "--format", "json", a, b}), HasSubstr("\"accepts\":1200,"));
  // So many that each input keeps little in memory.
  std::vector<std::string> many{"--summary"};
  for (int i = 0; i < 20; ++i) many.push_back(a);
  EXPECT_THAT(run(many), HasSubstr("total: 10000 accepts on 2 listeners"));
}

TEST_F(Summaries, TakeTimeBounds) {
  const std::string a = write("a", capture(0, 2));
  EXPECT_THAT(run({"--summary", "--since", "+0.001", "--until", "+0.0015", a}), HasSubstr("total: 50 accepts"));
}

TEST_F(Summaries, ShowHolesAndEndWithTheirStatus) {
  capture::Batch lost = batch_of({sshd()});
  lost.ledger = capture::Ledger{.begin = kMonotonic, .end = kMonotonic + 1'000'000, .hits = 3, .lost = 2, .written = 1};
  Accept later = sshd();
  later.time += 3'000'000'000;
  capture::Batch gap = batch_of({later});
  gap.gaps = {{.begin = later.time - 1'000'000'000, .end = later.time - 900'000'000, .reason = GapReason::kProbesOff}};
  const std::string file = write("a", frame(start()) + frame(lost) + frame(gap) + frame(end(2, 2)));
  const std::string text = run({"--summary", file});
  EXPECT_EQ(status_, Exit::kIncomplete);
  EXPECT_THAT(text, HasSubstr("08:10:50.001Z: 2 lost, 0 missed by the probe\n"));
  EXPECT_THAT(text, HasSubstr("08:10:52.100Z: accepts may have gone unseen: probes were switched off\n"));
  const std::string rate = run({"--rate", "1s", file});
  EXPECT_THAT(rate, HasSubstr("08:10:50Z        1     1.0  !"));
  EXPECT_THAT(rate, HasSubstr("08:10:51Z        0     0.0\n"));
  EXPECT_THAT(rate, HasSubstr("08:10:52Z        0     0.0  !"));
  EXPECT_THAT(rate, HasSubstr("08:10:53Z        1     1.0     #"));
}

TEST_F(Summaries, AreWrittenToAFileWhole) {
  const std::string a = write("a", capture(0, 1));
  const std::string out = (folder_ / "summary.csv").string();
  EXPECT_EQ(run({"--summary", "--format", "csv", "-o", out, a}), "");
  EXPECT_GT(std::filesystem::file_size(out), 100u);
}

TEST_F(Summaries, TooManyIntervalsAreRefused) {
  Accept later = sshd();
  later.time += 1'000'000'000'000;
  const std::string a = write("a", frame(start()) + frame(batch_of({sshd(), later})) + frame(end(2, 1)));
  run({"--rate", "1us", a});
  EXPECT_EQ(status_, Exit::kFailed);
  EXPECT_THAT(complaints_, HasSubstr("--rate: more than 1048576 intervals"));
}

TEST_F(Summaries, WrongOptionsAreRefused) {
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--summary", "--top", "3"}, {"--top", "3", "--rate", "1s"}, {"--by", "pid"}, {"--top", "0"},
        {"--top", "10001"}, {"--top", "x"}, {"--top", "3", "--by", "tid"}, {"--rate", "0s"}, {"--rate", "1"}, {"--rate", "s"},
        {"--rate", "1.5"}, {"--rate", "1001d"}, {"--rate", "0.1us"}, {"--rate", "5mm"}, {"--rate", "-1s"}, {"--summary", "-t"}, {"--summary", "--format", "capture"},
        {"--summary", "--columns", "pid"}, {"--summary", "--info"}, {"--summary", "--canonical"}, {"--top="}}) {
    run(wrong);
    EXPECT_EQ(status_, Exit::kUsage) << wrong[0] << complaints_;
    EXPECT_THAT(complaints_, HasSubstr("see tcpaccept-report --help")) << wrong[0];
  }
}

}  // namespace
}  // namespace tcpaccept::report
