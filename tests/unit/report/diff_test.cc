#include "report/diff.h"

#include <gmock/gmock.h>

#include <random>

#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::HasSubstr;

class Diff : public Reports {
 protected:
  // In batches of `each`; the first `gone` batches are not there, though the end counts them.
  static std::string capture_of(const std::vector<Accept>& accepts, std::size_t each = 1000, std::size_t gone = 0) {
    std::string bytes = frame(start());
    std::size_t batches = 0;
    for (std::size_t i = 0; i < accepts.size(); i += each) {
      const auto from = accepts.begin() + static_cast<std::ptrdiff_t>(i);
      capture::Batch batch = batch_of({from, from + static_cast<std::ptrdiff_t>(std::min(each, accepts.size() - i))});
      batch.first_event = i;
      if (batches++ >= gone) bytes += frame(batch);
    }
    return bytes + frame(end(accepts.size(), batches));
  }

  static std::vector<Accept> some(std::size_t count) {
    std::vector<Accept> accepts;
    for (std::size_t i = 0; i < count; ++i) {
      Accept accept = sshd();
      accept.time += i * 1'000'000'000;
      accept.listener.pid = accept.tid = static_cast<std::uint32_t>(100 + i % 3);
      accept.rport = static_cast<std::uint16_t>(40000 + i);
      accepts.push_back(accept);
    }
    return accepts;
  }
  // Many at each instant, in no order.
  static std::vector<Accept> simultaneous(std::uint64_t apart) {
    std::mt19937 random(7);
    std::vector<Accept> accepts;
    std::uint64_t time = 0;
    for (std::size_t i = 0; i < 200; ++i) {
      Accept accept = random() % 2 == 0 ? sshd() : iperf3();
      if (random() % 3 == 0) time += apart;
      accept.time += time;
      accept.raddr = address("10.0.0." + std::to_string(random() % 5));
      accept.rport = static_cast<std::uint16_t>(40000 + random() % 400);
      accept.listener.pid = static_cast<std::uint32_t>(100 + random() % 5);
      accepts.push_back(accept);
    }
    return accepts;
  }

  Exit diff(std::vector<std::string> options, const std::string& expected, const std::string& actual) {
    options.insert(options.begin(), "--diff");
    options.insert(options.end(), {expected, actual});
    return run(options);
  }
};

using Options = std::vector<std::string>;

TEST_F(Diff, NumbersThatAHoleMovesProveNothing) {
  const std::vector<Accept> accepts = some(6);
  const std::string all = write("all", capture_of(accepts, 2));
  const std::string hole = write("hole", capture_of(accepts, 2, 1));
  for (const Options& options : {Options{"--columns", "comm,pid"}, Options{"--columns", "rport,raddr"},
                                 Options{"--columns", "rport,raddr", "--sequence"},
                                 Options{"--sequence", "--columns", "pid"},
                                 Options{"--columns", "comm,pid", "--tolerate-count", "1"}}) {
    EXPECT_EQ(diff(options, all, hole), Exit::kIncomplete) << options[1] << output_;
    EXPECT_EQ(diff(options, hole, all), Exit::kIncomplete) << options[1] << output_;
    EXPECT_EQ(diff(options, hole, hole), Exit::kIncomplete) << options[1] << output_;
    EXPECT_EQ(diff(options, all, all), Exit::kClean) << options[1] << output_;
  }
}

TEST_F(Diff, WhatNoHoleCanMakeIsCertainAllTheSame) {
  const std::string hole = write("hole", capture_of(some(6), 2, 1));
  std::vector<Accept> few = some(3);
  const std::string fewer = write("fewer", capture_of(few));
  few.resize(7, iperf3());
  for (std::size_t i = 3; i < few.size(); ++i) few[i].time += 60'000'000'000;
  const std::string others = write("others", capture_of(few));
  for (const Options& options : {Options{"--columns", "comm,pid"}, Options{"--columns", "comm,rport", "--sequence"}}) {
    EXPECT_EQ(diff(options, hole, fewer), Exit::kFailed) << "four are there, three expected at least: " << output_;
    EXPECT_EQ(diff(options, fewer, hole), Exit::kFailed) << output_;
    EXPECT_EQ(diff(options, hole, others), Exit::kFailed) << "another command: " << output_;
  }
  // Only the count is left.
  EXPECT_EQ(diff({"--columns", "raddr,rport", "--canonical=addresses"}, hole, fewer), Exit::kFailed) << output_;
  // Some of a kind may be more than those that are tolerated, or be of several kinds.
  EXPECT_EQ(diff({"--columns", "comm,pid", "--tolerate-count", "1"}, hole, fewer), Exit::kIncomplete) << output_;
}

TEST_F(Diff, AHoleOfAnySizeIsNoDifferenceInOrder) {
  std::vector<Accept> accepts = some(6000);
  for (std::size_t i = 0; i < accepts.size(); ++i) accepts[i].raddr = address("10.0.0." + std::to_string(i * i % 7));
  const std::string all = write("all", capture_of(accepts, 1000));
  std::string hole = frame(start());
  for (const std::size_t i : {0u, 5000u}) {
    const auto from = accepts.begin() + static_cast<std::ptrdiff_t>(i);
    capture::Batch batch = batch_of({from, from + 1000});
    batch.first_event = i;
    hole += frame(batch);
  }
  hole = write("hole", hole + frame(end(6000, 6)));
  EXPECT_EQ(diff({"--sequence"}, all, hole), Exit::kIncomplete) << output_.substr(0, 500);
  EXPECT_EQ(diff({"--sequence"}, hole, all), Exit::kIncomplete) << output_.substr(0, 500);
}

TEST_F(Diff, ACaptureIsTheSameAsItsOwnText) {
  // Microseconds and less: a table cannot tell all of these apart.
  for (const std::uint64_t apart : {1'000'000'000u, 300u, 4'000'000u}) {
    const std::string file = write("capture", capture_of(simultaneous(apart)));
    for (const Options& form : {Options{"--format", "table"}, Options{"-t"}, Options{"-T"}, Options{"--format", "csv"},
                                Options{"--format", "json"},
                                Options{"--columns", "rport,pid,raddr,comm,saddr,sport"}}) {
      Options print = form;
      print.push_back(file);
      ASSERT_EQ(run(print), Exit::kClean);
      const std::string text = write("text", output_);
      for (const Options& options : {Options{"--sequence"}, Options{"--columns", "comm,pid"},
                                     Options{"--sequence", "--columns", "sport,pid,rport,raddr"}}) {
        EXPECT_EQ(diff(options, file, text), Exit::kClean) << form[0] << " " << apart << output_.substr(0, 500);
        EXPECT_EQ(diff(options, text, file), Exit::kClean) << form[0] << " " << apart << output_.substr(0, 500);
      }
      if (form[0] == "--columns" || form.back() == "table") continue;  // no times
      EXPECT_EQ(diff({"--sequence", "--tie", "2ms"}, file, text), Exit::kClean) << form[0] << output_.substr(0, 500);
    }
    for (const char* const format : {"table", "csv", "json"}) {
      ASSERT_EQ(run({"--canonical", "--format", format, file}), Exit::kClean);
      const std::string text = write("text", output_);
      EXPECT_EQ(diff({"--sequence"}, file, text), Exit::kClean) << format << output_.substr(0, 500);
      EXPECT_EQ(diff({"--sequence"}, text, file), Exit::kClean) << format << output_.substr(0, 500);
    }
  }
}

TEST_F(Diff, OrderStillCountsBesideATextWithoutTimes) {
  std::vector<Accept> accepts = some(4);
  accepts[1].time = accepts[0].time;
  accepts[1].listener.comm = Comm::from("a");
  accepts[2].listener.comm = Comm::from("b");
  const std::string file = write("capture", capture_of(accepts));
  const std::string header = "PID COMM RADDR RPORT SADDR SPORT\n";
  const auto line = [](const std::string& comm) { return "7 " + comm + " 192.168.60.1 1 192.168.60.170 22\n"; };
  const auto text = [&](const std::vector<std::string>& comms) {
    std::string all = header;
    for (const std::string& comm : comms) all += line(comm);
    return write("text", all);
  };
  EXPECT_EQ(diff({"--sequence"}, text({"a", "sshd", "b", "sshd"}), file), Exit::kClean) << output_;
  EXPECT_EQ(diff({"--sequence"}, text({"sshd", "a", "b", "sshd"}), file), Exit::kClean) << output_;
  EXPECT_EQ(diff({"--sequence"}, text({"sshd", "b", "a", "sshd"}), file), Exit::kFailed) << "b came later";
  EXPECT_EQ(diff({"--sequence"}, text({"a", "b", "sshd"}), file), Exit::kFailed);
}

TEST_F(Diff, AFixtureIsComparedAsItIsWritten) {
  const std::string fixture = write("fixture.csv",
                                    "# two clients at once\n"
                                    "wall_time,raddr,rport,saddr,sport,comm\n"
                                    "2026-11-23 10:00:00,192.168.60.2,40002,192.168.60.170,22,sshd\n"
                                    "2026-11-23 10:00:00,192.168.60.1,40001,192.168.60.170,22,sshd\n");
  run({"--from-csv", "--format", "capture", "-o", path("fixture"), fixture});
  EXPECT_EQ(diff({"--sequence"}, fixture, path("fixture")), Exit::kClean) << complaints_ << output_;
  EXPECT_EQ(diff({"--columns", "rport,raddr"}, path("fixture"), fixture), Exit::kClean) << complaints_ << output_;
}

TEST_F(Diff, TroubleIsInTheJunitFileAsWell) {
  const std::string file = write("capture", capture_of(some(3)));
  std::string bytes = slurp(file);
  bytes[bytes.size() / 2] ^= 1;
  const std::string damaged = write("damaged", bytes);
  const std::string rules = write("rules", "[[expect]]\nport = 22\n");
  const std::string wrong = write("wrong", "[[expect]]\ntrop = 22\n");
  const auto trouble = [&](const std::vector<std::string>& options, const std::string& what) {
    std::vector<std::string> all{"--junit", path("junit"), "--force", "-o", path("text")};
    all.insert(all.end(), options.begin(), options.end());
    write("junit", "an old one");
    EXPECT_EQ(run(all), Exit::kUsage) << complaints_;
    EXPECT_THAT(complaints_, HasSubstr(what));
    const std::string junit = slurp(path("junit"));
    EXPECT_THAT(junit, HasSubstr("tests=\"1\" failures=\"0\" errors=\"1\">\n"));
    EXPECT_THAT(junit, HasSubstr("<testcase name=\"files\"><error message=\"could not be checked\">"));
    EXPECT_FALSE(std::filesystem::exists(path("text"))) << "there is no answer";
  };
  trouble({"--diff", file, damaged}, "damaged: is damaged");
  trouble({"--diff", file, path("none")}, "No such file");
  trouble({"--expect", rules, damaged}, "damaged: is damaged");
  trouble({"--expect", rules, path("none")}, "No such file");
  trouble({"--expect", wrong, file}, "there is no 'trop'");
}

}  // namespace
}  // namespace tcpaccept::report
