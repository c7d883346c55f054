#include "report/report.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/unique_fd.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

capture::Batch with_two_lost() {
  capture::Batch batch = batch_of({sshd()});
  batch.ledger = capture::Ledger{.begin = kMonotonic,
                                 .end = kMonotonic + 1,
                                 .hits = 3,
                                 .misses = 0,
                                 .lost = 2,
                                 .filtered = 0,
                                 .written = 1};
  return batch;
}

constexpr const char* kHeader = "PID      COMM         RADDR                RPORT  SADDR                SPORT\n";

class Report : public Reports {
 protected:
  static std::string capture_of(const std::vector<Accept>& accepts) {
    return frame(start()) + frame(batch_of(accepts)) + frame(end(accepts.size(), 1));
  }
};

TEST_F(Report, PrintsTheTable) {
  EXPECT_EQ(run({write("a", capture_of({sshd(), iperf3()}))}), Exit::kClean);
  EXPECT_EQ(output_, std::string(kHeader) +
                         "1463     sshd         192.168.60.1         49385  192.168.60.170       22\n"
                         "30891    iperf3       192.168.60.1         49385  192.168.60.170       5201\n");
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(Report, AStoredTextOfNothingIsCompared) {
  const std::string none = write("none", capture_of({}));
  const std::string some = write("some", capture_of({sshd()}));
  for (const char* const format : {"table", "csv", "json"}) {
    ASSERT_EQ(run({"--canonical", "--format", format, none}), Exit::kClean);
    const std::string text = write("text", output_);
    EXPECT_EQ(run({"--diff", text, none}), Exit::kClean) << format;
    EXPECT_EQ(output_, "same: 0 expected, 0 there\n");
    EXPECT_EQ(run({"--diff", none, text}), Exit::kClean) << format;
    EXPECT_EQ(run({"--diff", text, some}), Exit::kFailed) << format;
    ASSERT_EQ(run({"--canonical", "--format", format, some}), Exit::kClean);
    EXPECT_EQ(run({"--diff", write("marked", "\xef\xbb\xbf" + output_), some}), Exit::kClean) << format;
  }
}

TEST_F(Report, NoOutputTakesThePlaceOfAnInput) {
  const std::string bytes = capture_of({sshd()});
  const std::string file = write("a", bytes);
  const std::string expectations = write("e", "[[expect]]\nport = 22\n");
  std::filesystem::create_symlink("a", folder_ / "link");
  const std::string other = (folder_ / "." / "a").string();
  const auto refused = [&](std::vector<std::string> arguments, const std::string& what = "the input") {
    arguments.push_back("--force");
    const int in = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(run(arguments, in), Exit::kUsage);
    ::close(in);
    EXPECT_THAT(said_, ElementsAre(HasSubstr("will not replace " + what + " with "))) << arguments.front();
    EXPECT_EQ(slurp(path("a")), bytes);
  };
  for (const std::string& same : {file, other, path("link")}) {
    refused({"-o", same, file});
    refused({"--info", "-o", same, write("b", bytes), file});
    refused({"--format", "html", "-o", same, file});
    refused({"--diff", "--junit", same, file, file});
    refused({"--expect", expectations, "--junit", same, file});
    refused({"--format", "csv", "-o", file, same});
    refused({"-o", same, "-"});
  }
  refused({"--from-csv", "--format", "capture", "-o", file, file});
  refused({"--expect", expectations, "-o", expectations, file}, "the file of expectations");
  EXPECT_EQ(run({"--expect", expectations, file}), Exit::kClean) << "it is still there";

  // A capture of what it replaces is complete before it does.
  EXPECT_EQ(run({"--format", "capture", "--comm", "sshd", "-o", other, "--force", file}), Exit::kClean);
  EXPECT_EQ(run({"--verify", file}), Exit::kClean);
  EXPECT_THAT(output_, HasSubstr("intact, 1 accept"));
}

TEST_F(Report, AHoleElsewhereLeavesAnExpectationKnown) {
  Accept accept = sshd();
  accept.time += 500'000'000;
  capture::Batch first = batch_of({accept});
  first.ledger = capture::Ledger{.begin = kMonotonic, .end = kMonotonic + 1'000'000'000, .hits = 1, .written = 1};
  capture::Batch second;
  second.clock = anchor();
  second.first_event = 1;
  second.ledger =
      capture::Ledger{.begin = first.ledger->end, .end = first.ledger->end + 1'000'000'000, .hits = 3, .lost = 3};
  const std::string lost = write("lost", frame(start()) + frame(first) + frame(second) + frame(end(1, 2)));
  const std::string cut = write("cut", frame(start()) + frame(first));
  const std::string in_time = write("in-time", "[[forbid]]\nport = 9999\nwithin = \"1s\"\n");
  const std::string beyond = write("beyond", "[[forbid]]\nport = 9999\nwithin = \"1500ms\"\n");
  for (const std::string& file : {lost, cut}) {
    EXPECT_EQ(run({"--expect", in_time, file}), Exit::kClean) << file;
    EXPECT_THAT(said_, ::testing::Not(IsEmpty())) << "what is missing is said all the same";
    EXPECT_EQ(run({"--expect", beyond, file}), Exit::kIncomplete) << file;
  }
  // Nothing proves that this probe saw anything.
  EXPECT_EQ(run({"--expect", in_time, "--require-complete", lost}), Exit::kIncomplete);
}

TEST_F(Report, RelativeTimesCountFromTheFirstRowShown) {
  Accept second = iperf3();
  second.time += 2'000'000'000;
  Accept third = second;
  third.time += 500'000'000;
  const std::string file = write("a", capture_of({sshd(), second, third}));
  EXPECT_EQ(run({"-t", "--comm", "iperf3", file}), Exit::kClean);
  EXPECT_THAT(output_, HasSubstr("\n0.000000     30891    iperf3"));
  EXPECT_THAT(output_, HasSubstr("\n0.500000     30891    iperf3"));
}

TEST_F(Report, RelativeBoundsCountFromTheFirstAcceptOfAllInputs) {
  Accept later = iperf3();
  later.time += 2'000'000'000;
  const std::string a = write("a", capture_of({later}));
  const std::string b = write("b", capture_of({sshd()}));
  EXPECT_EQ(run({"--since", "+1", a, b}), Exit::kClean);
  EXPECT_THAT(output_, HasSubstr("iperf3"));
  EXPECT_THAT(output_, ::testing::Not(HasSubstr("sshd")));
  EXPECT_EQ(run({"--until", "+1", "--pid", "30891", a, b}), Exit::kClean);
  EXPECT_EQ(output_, kHeader);
}

TEST_F(Report, MergesInTimeOrder) {
  std::vector<Accept> even, odd;
  for (int i = 0; i < 100; ++i) {
    Accept accept = sshd();
    accept.time += static_cast<std::uint64_t>(i);
    accept.rport = static_cast<std::uint16_t>(i);
    (i % 2 == 0 ? even : odd).push_back(accept);
  }
  EXPECT_EQ(run({"--format", "csv", write("odd", capture_of(odd)), write("even", capture_of(even))}), Exit::kClean);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = output_.find(",192.168.60.1," + std::to_string(i) + ",", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(Report, MergesOtherBootsByWallTimeAndKeepsRelativeTimesTogether) {
  // Another host, up for one second only, one second later on the wall.
  capture::ClockAnchor clock{.monotonic = 1'000'000'000, .realtime = kWall + 1'000'000'000, .boottime = 1'000'000'000};
  capture::Start other = start("boot-b");
  other.clock = clock;
  Accept accept = iperf3();
  accept.time = 1'000'000'000;
  Accept last = sshd();
  last.time += 3'000'000'000;
  const std::string a = write("a", frame(other) + frame(batch_of({accept}, clock)) + frame(end(1, 1)));
  const std::string b = write("b", capture_of({sshd(), last}));
  EXPECT_EQ(run({"-t", a, b}), Exit::kClean);
  EXPECT_EQ(output_.substr(output_.find('\n') + 1),
            "0.000000     1463     sshd         192.168.60.1         49385  192.168.60.170       22\n"
            "1.000000     30891    iperf3       192.168.60.1         49385  192.168.60.170       5201\n"
            "3.000000     1463     sshd         192.168.60.1         49385  192.168.60.170       22\n");
}

TEST_F(Report, ConcatenatedSessionsAreOneInput) {
  EXPECT_EQ(run({write("a", capture_of({sshd()}) + capture_of({iperf3()}))}), Exit::kClean);
  EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), 3);
}

TEST_F(Report, LargeOutputArrivesWhole) {
  std::mt19937_64 random(1);
  std::string bytes = frame(start());
  std::string expected = header(text::Format::kJson, text::TimeColumn::kNone);
  std::uint64_t accepts = 0;
  for (int i = 0; i < 20; ++i) {
    const capture::Batch batch = random_batch(random, 3000);
    accepts += batch.size();
    bytes += frame(batch);
    expected += render(text::Format::kJson, text::TimeColumn::kNone, batch);
  }
  EXPECT_EQ(run({"--format", "json", write("a", bytes + frame(end(accepts, 20)))}), Exit::kClean);
  EXPECT_TRUE(output_ == expected);
}

// ---- what is no capture ----

TEST_F(Report, WhatCannotBeReadFailsWithOneLine) {
  EXPECT_EQ(run({write("empty", "")}), Exit::kFailed);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("empty: is empty, not a tcpaccept capture")));
  EXPECT_EQ(output_, "");
  EXPECT_EQ(run({write("text", "hello, world\n")}), Exit::kFailed);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("text: is not a tcpaccept capture")));
  EXPECT_EQ(run({path("absent")}), Exit::kFailed);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("absent: No such file or directory")));
  EXPECT_EQ(run({folder_.string()}), Exit::kFailed);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("is a directory")));
  if (::geteuid() != 0) {
    const std::string secret = write("secret", capture_of({sshd()}));
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    EXPECT_EQ(run({secret}), Exit::kFailed);
    EXPECT_THAT(said_, ElementsAre(HasSubstr("Permission denied")));
  }
  EXPECT_EQ(run({"--info", path("text")}), Exit::kFailed);
  EXPECT_EQ(run({write("good", capture_of({sshd()})), path("text")}), Exit::kFailed);
  EXPECT_EQ(output_, "");
}

TEST_F(Report, HostileFileNamesAreEscapedInMessages) {
  EXPECT_EQ(run({write("a\x1b[2J", "x")}), Exit::kFailed);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("a\\x1b[2J: is not")));
}

// ---- before reading ----

TEST_F(Report, EverythingIsOpenAndNothingReadWhenItSaysSo) {
  const std::string file = write("a", capture_of({sshd()}));
  for (const bool info : {false, true}) {
    const UniqueFd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd out(::open(path("out").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    Options options;
    options.info = info;
    options.files = {file, "-"};
    int said = 0;
    const Streams streams{.in = in.get(), .out = out.get(), .complain = {}, .before_reading = [&](const std::vector<int>&) {
                            ++said;
                            EXPECT_EQ(::lseek(in.get(), 0, SEEK_CUR), 0);
                            EXPECT_EQ(::lseek(out.get(), 0, SEEK_CUR), 0);
                            std::filesystem::remove(file);  // who opens it now is too late
                          }};
    EXPECT_EQ(report::run(options, streams), Exit::kClean);
    EXPECT_EQ(said, 1);
    EXPECT_THROW(report::run(options, streams), Error);  // an input is missing
    EXPECT_EQ(said, 1);
    write("a", capture_of({sshd()}));
  }
}

// ---- incomplete captures ----

TEST_F(Report, KilledRecorderShowsEverythingAndExits3) {
  const std::string bytes = frame(start()) + frame(batch_of({sshd()}));
  EXPECT_EQ(run({write("a", bytes)}), Exit::kIncomplete);
  EXPECT_THAT(output_, HasSubstr("1463     sshd"));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("a: not ended cleanly: the recorder was killed or still runs; the "
                                                 "last accept is of 2026-11-23T08:10:50.000000Z")));
}

TEST_F(Report, DamageInTheMiddleIsNamedAndTheRestShown) {
  std::string batch = frame(batch_of({iperf3()}));
  batch[batch.size() - 1] = static_cast<char>(batch.back() ^ 1);
  const std::string begin = frame(start()) + frame(batch_of({sshd()}));
  const std::string bytes = begin + batch + frame(batch_of({sshd()})) + frame(end(3, 3));
  EXPECT_EQ(run({write("a", bytes)}), Exit::kIncomplete);
  EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), 3);
  EXPECT_THAT(output_, ::testing::Not(HasSubstr("iperf3")));
  EXPECT_THAT(said_,
              ElementsAre(HasSubstr("a: damaged: " + std::to_string(batch.size()) + " bytes at offset " +
                                    std::to_string(begin.size()) + " skipped ("),
                          HasSubstr("a: 1 accept the recorder wrote is missing from the file")));
}

// The clock of the second boot began after the instant that is counted from.
TEST_F(Report, ABootWhoseStartIsDamagedHasATimeOfItsOwn) {
  Accept later = iperf3();
  later.time = 1'000'000'000;  // soon after the boot
  capture::Batch first = batch_of({sshd(), sshd()});
  first.first_event = 0;
  capture::Batch second = batch_of({later});
  second.first_event = 0;
  second.clock = {.monotonic = later.time, .realtime = first.clock.realtime + 60'000'000'000, .boottime = later.time};
  for (const bool damaged : {false, true}) {
    std::string next = frame(start("boot-b"));
    if (damaged) next.back() = static_cast<char>(next.back() ^ 1);
    const std::string file =
        write("a", frame(start("boot-a")) + frame(first) + frame(end(2, 1)) + next + frame(second) + frame(end(1, 1)));
    EXPECT_EQ(run({"--since", "+30", file}), damaged ? Exit::kIncomplete : Exit::kClean);
    EXPECT_THAT(output_, AllOf(HasSubstr("iperf3"), Not(HasSubstr("sshd"))));
    run({"--until", "+30", file});
    EXPECT_THAT(output_, AllOf(HasSubstr("sshd"), Not(HasSubstr("iperf3"))));
  }
}

TEST_F(Report, EveryTruncationIsSaid) {
  const std::string head = frame(start());
  const std::string bytes = head + frame(batch_of({sshd()})) + frame(batch_of({iperf3()})) + frame(end(2, 2));
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    const Exit status = run({write("cut", bytes.substr(0, size))});
    EXPECT_EQ(status, size < head.size() ? Exit::kFailed : Exit::kIncomplete) << size;
    EXPECT_FALSE(said_.empty()) << size;
  }
}

TEST_F(Report, LossExits3) {
  const capture::Batch batch = with_two_lost();
  EXPECT_EQ(run({write("a", frame(start()) + frame(batch) + frame(end(1, 1)))}), Exit::kIncomplete);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("2 accepts lost between")));
}

TEST_F(Report, Info) {
  const capture::Batch batch = with_two_lost();
  const std::string file = write("a", frame(start()) + frame(batch) + frame(end(1, 1)) + capture_of({iperf3()}));
  EXPECT_EQ(run({"--info", file}), Exit::kIncomplete);
  EXPECT_THAT(output_, HasSubstr(file + "\nsession 1\n  host           web1\n"));
  EXPECT_THAT(output_, HasSubstr("session 2\n"));
  EXPECT_THAT(output_, HasSubstr("  hole           2026-11-23T08:10:50.000000000Z to 2026-11-23T08:10:50.000000001Z: 2 "
                                 "lost, 0 missed by the probe\n"));
  EXPECT_THAT(output_, HasSubstr("  complete       no\n"));
  EXPECT_EQ(run({"--info", write("b", capture_of({sshd()}))}), Exit::kClean);
  EXPECT_THAT(output_, HasSubstr("  complete       not known\n"));
}

// ---- pipes and growing files ----

class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  void put(const std::string& bytes) const {
    ASSERT_EQ(::write(write_end.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // What is there within ten seconds, as soon as it ends with `ending`.
  std::string wait_for(const std::string& ending) const {
    std::string text;
    pollfd ready{.fd = read_end.get(), .events = POLLIN, .revents = 0};
    while (!text.ends_with(ending) && ::poll(&ready, 1, 10'000) > 0) {
      char bytes[4096];
      const ssize_t got = ::read(read_end.get(), bytes, sizeof bytes);
      if (got <= 0) break;
      text.append(bytes, static_cast<std::size_t>(got));
    }
    return text;
  }

  UniqueFd read_end;
  UniqueFd write_end;
};

constexpr const char* kSshdRow = "1463     sshd         192.168.60.1         49385  192.168.60.170       22\n";
constexpr const char* kIperf3Row = "30891    iperf3       192.168.60.1         49385  192.168.60.170       5201\n";

TEST_F(Report, RowsFromAPipeAppearAtOnce) {
  Pipe in, out;
  Options options;
  options.files = {"-"};
  Exit status = Exit::kFailed;
  std::thread reporter([&] {
    status = report::run(options,
                         {.in = in.read_end.get(), .out = out.write_end.get(), .complain = [](const auto&) {}});
  });
  in.put(frame(start()));
  EXPECT_EQ(out.wait_for("SPORT\n"), kHeader);
  in.put(frame(batch_of({sshd()})));
  EXPECT_EQ(out.wait_for("22\n"), kSshdRow);
  in.put(frame(batch_of({iperf3()})));
  EXPECT_EQ(out.wait_for("5201\n"), kIperf3Row);
  in.put(frame(end(2, 2)));
  in.write_end.reset();
  reporter.join();
  EXPECT_EQ(status, Exit::kClean);
}

TEST_F(Report, FollowsAGrowingFileToItsEnd) {
  const std::string file = write("a", "");
  Pipe out;
  Options options;
  options.files = {file};
  options.follow = true;
  Exit status = Exit::kFailed;
  const auto append = [&](const std::string& bytes) { std::ofstream(file, std::ios::binary | std::ios::app) << bytes; };
  std::thread reporter([&] {
    status = report::run(options, {.in = -1, .out = out.write_end.get(), .complain = [](const auto&) {}});
  });
  append(frame(start()));
  EXPECT_EQ(out.wait_for("SPORT\n"), kHeader);
  append(frame(batch_of({sshd()})));
  EXPECT_EQ(out.wait_for("22\n"), kSshdRow);
  const std::string batch = frame(batch_of({iperf3()}));
  append(batch.substr(0, 50));  // a frame that is being written is not damage
  append(batch.substr(50));
  EXPECT_EQ(out.wait_for("5201\n"), kIperf3Row);
  append(frame(end(2, 2)));
  reporter.join();
  EXPECT_EQ(status, Exit::kClean);
}

TEST_F(Report, DamageInAFollowedFileHasItsPlaceInTheFile) {
  const std::string begin = frame(start()) + frame(batch_of({sshd()}));
  const std::string file = write("a", begin);
  Pipe out;
  Options options;
  options.files = {file};
  options.follow = true;
  std::vector<std::string> complaints;
  std::thread reporter([&] {
    report::run(options, {.in = -1, .out = out.write_end.get(), .complain = [&](const std::string& line) {
                            complaints.push_back(line);
                          }});
  });
  EXPECT_EQ(out.wait_for("22\n"), std::string(kHeader) + kSshdRow);
  std::string bad = frame(batch_of({sshd()}));
  bad.back() = static_cast<char>(bad.back() ^ 1);
  std::ofstream(file, std::ios::binary | std::ios::app) << bad << frame(batch_of({iperf3()})) << frame(end(2, 2));
  reporter.join();
  ASSERT_FALSE(complaints.empty());
  EXPECT_THAT(complaints.front(), HasSubstr("bytes at offset " + std::to_string(begin.size()) + " skipped"));
}

TEST_F(Report, FollowingEndsOnInterruptWhileThereIsMuchToCatchUpWith) {
  std::string bytes = frame(start());
  const std::string batch = frame(batch_of(std::vector<Accept>(100, sshd())));
  for (int i = 0; i < 1000; ++i) bytes += batch;
  const std::string file = write("a", bytes);
  Pipe out;
  Options options;
  options.files = {file};
  options.follow = true;
  Exit status = Exit::kFailed;
  std::thread reporter([&] {
    status = report::run(options, {.in = -1, .out = out.write_end.get(), .complain = [](const auto&) {}});
    out.write_end.reset();
  });
  EXPECT_THAT(out.wait_for("22\n"), HasSubstr(kSshdRow));
  ::pthread_kill(reporter.native_handle(), SIGINT);  // it waits for us to read
  std::size_t rows = 1;
  char text[4096];
  for (ssize_t count; (count = ::read(out.read_end.get(), text, sizeof text)) > 0;) {
    rows += static_cast<std::size_t>(std::count(text, text + count, '\n'));
  }
  reporter.join();
  EXPECT_EQ(status, Exit::kClean);
  EXPECT_LT(rows, 20'000u);
}

TEST_F(Report, FollowingEndsOnInterruptWithoutComplaint) {
  const std::string file = write("a", frame(start()) + frame(batch_of({sshd()})) + "torn");
  Pipe out;
  Options options;
  options.files = {file};
  options.follow = true;
  Exit status = Exit::kFailed;
  std::vector<std::string> complaints;
  std::thread reporter([&] {
    status = report::run(options, {.in = -1, .out = out.write_end.get(), .complain = [&](const std::string& line) {
                                     complaints.push_back(line);
                                   }});
  });
  EXPECT_EQ(out.wait_for("22\n"), std::string(kHeader) + kSshdRow);
  ::pthread_kill(reporter.native_handle(), SIGINT);
  reporter.join();
  EXPECT_EQ(status, Exit::kClean);
  EXPECT_THAT(complaints, IsEmpty());
}

TEST_F(Report, FollowNeedsARegularFile) {
  EXPECT_EQ(run({"-f", "/dev/null"}), Exit::kUsage);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("only a regular file can be followed")));
}

// ---- the other end ----

TEST_F(Report, AReaderThatGoesAwayIsNoFailure) {
  std::mt19937_64 random(1);
  const capture::Batch batch = random_batch(random, 5000);
  const std::string file = write("a", frame(start()) + frame(batch) + frame(end(batch.size(), 1)));
  Pipe out;
  out.read_end.reset();
  Options options;
  options.files = {file};
  EXPECT_EQ(report::run(options, {.in = -1, .out = out.write_end.get(), .complain = [](const auto&) {}}), Exit::kClean);
}

TEST_F(Report, AFullDiskIsAFailure) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Options options;
  options.files = {write("a", capture_of({sshd()}))};
  try {
    report::run(options, {.in = -1, .out = full.get(), .complain = [](const auto&) {}});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Exit::kFailed);
    EXPECT_STREQ(error.what(), "cannot write standard output: No space left on device");
  }
}

}  // namespace
}  // namespace tcpaccept::report
