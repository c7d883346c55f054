#include "report/rewriter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "report/report.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Rewriting : public Reports {
 protected:
  // `count` accepts, a second apart, in batches of `each`.
  static std::string capture_of(std::size_t count, std::size_t each, const std::string& boot = "boot-a", std::uint64_t lost = 0) {
    std::string bytes = frame(start(boot));
    for (std::size_t i = 0; i < count; i += each) {
      std::vector<Accept> accepts;
      for (std::size_t j = i; j < std::min(count, i + each); ++j) {
        Accept accept = j % 3 == 0 ? iperf3() : sshd();
        accept.time = kMonotonic + j * 1'000'000'000;
        accepts.push_back(accept);
      }
      capture::Batch batch = batch_of(accepts);
      batch.first_event = i;
      batch.ledger = capture::Ledger{.begin = accepts.front().time,
                                     .end = accepts.back().time + 1'000'000'000,
                                     .hits = accepts.size() + lost,
                                     .lost = lost,
                                     .written = accepts.size()};
      bytes += frame(batch);
    }
    return bytes + frame(end(count, (count + each - 1) / each));
  }
};

TEST_F(Rewriting, SmallBatchesBecomeOneAndSayTheSame) {
  const std::string original = write("original", capture_of(100, 1));
  ASSERT_EQ(run({"--format", "capture", "-o", path("compact"), original}), Exit::kClean) << complaints_;
  EXPECT_EQ(csv(path("compact")), csv(original));
  EXPECT_LT(fs::file_size(path("compact")) * 8, fs::file_size(original));
  run({"--info", path("compact")});
  EXPECT_THAT(output_, HasSubstr("100 in 1 batch"));
  EXPECT_THAT(output_, HasSubstr("100 probe hits = 100 written + 0 filtered + 0 lost"));
}

TEST_F(Rewriting, PlainAndPackedSayTheSame) {
  const std::string original = write("original", capture_of(50, 7));
  ASSERT_EQ(run({"--format", "capture", "--plain", "-o", path("plain"), original}), Exit::kClean);
  ASSERT_EQ(run({"--format", "capture", "-o", path("packed"), path("plain")}), Exit::kClean);
  EXPECT_EQ(csv(path("plain")), csv(original));
  EXPECT_EQ(csv(path("packed")), csv(original));
}

TEST_F(Rewriting, WhatIsLeftOutIsFilteredInTheAccount) {
  const std::string original = write("original", capture_of(90, 10, "boot-a", 2));
  EXPECT_EQ(run({"--format", "capture", "--comm", "iperf3", "-o", path("some"), original}), Exit::kIncomplete);
  EXPECT_THAT(complaints_, HasSubstr("18 accepts lost"));
  run({"--info", path("some")});
  EXPECT_THAT(output_, HasSubstr("108 probe hits = 30 written + 60 filtered + 18 lost"));
  EXPECT_THAT(complaints_, HasSubstr("18 accepts lost"));
  run({"--format", "csv", "--comm", "iperf3", original});
  EXPECT_EQ(csv(path("some")), output_);
}

TEST_F(Rewriting, SeveralOfOneBootAreMergedInOrderOfTime) {
  const std::string all = capture_of(60, 6);
  const std::string a = write("a", all);
  const std::string b = write("b", capture_of(40, 4));
  ASSERT_EQ(run({"--format", "capture", "-o", path("both"), a, b}), Exit::kClean) << complaints_;
  run({"--format", "csv", a, b});
  EXPECT_EQ(csv(path("both")), output_);
  run({"--info", path("both")});
  EXPECT_THAT(output_, HasSubstr("100 probe hits = 100 written"));
}

TEST_F(Rewriting, ManyInputsAreMergedLikeFew) {
  std::vector<std::string> all, halves;
  for (std::size_t half = 0; half < 2; ++half) {
    std::vector<std::string> some;
    for (std::size_t i = 0; i < 10; ++i) {
      // Batches of more rows than a frugal input decodes at a time.
      some.push_back(write("in" + std::to_string(half * 10 + i), capture_of(5000 + i * 7, 4000 + i)));
    }
    all.insert(all.end(), some.begin(), some.end());
    halves.push_back(path("half" + std::to_string(half)));
    some.insert(some.begin(), {"--format", "capture", "-o", halves.back()});
    ASSERT_EQ(run(some), Exit::kClean) << complaints_;
  }
  for (std::vector<std::string>* files : {&all, &halves}) files->insert(files->begin(), {"--format", "csv", "--comm", "sshd"});
  ASSERT_EQ(run(halves), Exit::kClean);
  const std::string expected = output_;
  ASSERT_EQ(run(all), Exit::kClean);
  EXPECT_EQ(output_.size(), expected.size());
  EXPECT_EQ(output_, expected);
}

TEST_F(Rewriting, OfManyInputsSomeAreDamagedKilledOrWithoutAMatch) {
  std::vector<std::string> files{"--format", "csv", "--comm", "iperf3"};
  for (std::size_t i = 0; i < 17; ++i) files.push_back(write("in" + std::to_string(i), capture_of(9, 3)));
  // The second batch is damaged, the third has no match: the row before them is not to come again.
  std::string bytes = frame(start());
  std::vector<Accept> one{iperf3()};
  capture::Batch first = batch_of(one);
  first.first_event = 0;
  capture::Batch second = batch_of({iperf3(), iperf3()});
  second.first_event = 1;
  capture::Batch third = batch_of({sshd()});
  third.first_event = 3;
  bytes += frame(first);
  std::string broken = frame(second);
  broken.back() = static_cast<char>(broken.back() ^ 1);
  bytes += broken + frame(third);
  // A killed recorder's open batch, in both places.
  capture::Batch open = batch_of({iperf3(), iperf3()});
  open.first_event = 4;
  open.open = 2;
  bytes += frame(open);
  open.open = 1;
  bytes += frame(open);
  files.push_back(write("troubled", bytes));
  EXPECT_EQ(run(files), Exit::kIncomplete);
  EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), 1 + 17 * 3 + 1 + 2);
  EXPECT_THAT(complaints_, HasSubstr("2 accepts missing"));
}

TEST_F(Rewriting, SeveralBootsAreMergedByWallTime) {
  const std::string a = write("a", capture_of(9, 3, "boot-a"));
  const std::string b = write("b", capture_of(9, 3, "boot-b"));
  ASSERT_EQ(run({"--format", "capture", "-o", path("both"), a, b}), Exit::kClean) << complaints_;
  run({"-T", a, b});
  const std::string rows = output_;
  run({"-T", path("both")});
  EXPECT_EQ(output_, rows);
}

TEST_F(Rewriting, DamageBecomesAGapThatSaysHowManyAreMissing) {
  std::string bytes = capture_of(40, 10);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 8);
  const std::string original = write("original", bytes);
  EXPECT_EQ(run({"--recover", "-o", path("recovered"), original}), Exit::kIncomplete);
  EXPECT_THAT(complaints_, HasSubstr("10 accepts missing between"));
  EXPECT_EQ(run({"--verify", path("recovered")}), Exit::kIncomplete);
  EXPECT_THAT(output_, HasSubstr("recovered: intact, 30 accepts in"));
  EXPECT_THAT(complaints_, HasSubstr("may have gone unseen, at most 10: a damaged part of the capture was left out"));
  EXPECT_EQ(csv(path("recovered")), csv(original));
}

// Its checksum is right, its numbers and its account are, and its events cannot be read.
TEST_F(Rewriting, ABatchOfAStrangerThatCannotBeReadIsAGapAsWell) {
  std::string bytes = frame(start());
  for (std::uint64_t first = 0; first < 90; first += 10) {
    std::vector<Accept> accepts(10, sshd());
    for (std::uint64_t i = 0; i < 10; ++i) accepts[i].time = kMonotonic + (first + i) * 1'000'000'000;
    capture::Batch batch = batch_of(accepts);
    batch.first_event = first;
    batch.ledger = capture::Ledger{
        .begin = accepts.front().time, .end = accepts.back().time + 1'000'000'000, .hits = 10, .written = 10};
    if (first == 40) std::swap(batch.time[3], batch.time[5]);
    bytes += frame(batch, capture::Packing::kPlain);
  }
  const std::string original = write("original", bytes + frame(end(90, 9)));
  const auto between = HasSubstr("10 accepts missing between 2026-11-23T08:11:30.000Z and 2026-11-23T08:11:39.000Z");
  const std::string rows = csv(original);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 81);
  EXPECT_THAT(said_, ElementsAre(between));
  for (const char* threads : {"1", "4"}) {
    EXPECT_EQ(run({"-j", threads, "--summary", original}), Exit::kIncomplete);
    EXPECT_THAT(said_, ElementsAre(between)) << threads;
  }
  EXPECT_EQ(run({"--info", original}), Exit::kIncomplete);
  EXPECT_THAT(complaints_, HasSubstr("10 accepts missing between"));
  for (const bool anonymized : {false, true}) {
    std::vector<std::string> recover{"--recover", "--force", "-o", path("recovered"), original};
    if (anonymized) recover.insert(recover.begin() + 1, {"--anonymize", "--shift-time=1"});
    EXPECT_EQ(run(recover), Exit::kIncomplete);
    EXPECT_THAT(complaints_, between);
    EXPECT_EQ(run({"--verify", path("recovered")}), Exit::kIncomplete);
    EXPECT_THAT(output_, HasSubstr("recovered: intact, 80 accepts in"));
    EXPECT_THAT(said_, ElementsAre(HasSubstr(
                           anonymized ? "between 2026-11-23T08:11:31.000Z and 2026-11-23T08:11:40.000Z accepts may have "
                                        "gone unseen, at most 10: a damaged part of the capture was left out"
                                      : "between 2026-11-23T08:11:30.000Z and 2026-11-23T08:11:39.000Z accepts may have "
                                        "gone unseen, at most 10: a damaged part of the capture was left out")));
  }
}

TEST_F(Rewriting, MoreGapsThanAFrameHoldsAreWrittenInSeveral) {
  std::string bytes = frame(start());
  for (const std::size_t count : {999u, 65'535u}) {
    capture::Batch batch = batch_of({sshd()});
    for (std::size_t i = 0; i < count; ++i) {
      batch.gaps.push_back({.begin = kMonotonic + 10 * i, .end = kMonotonic + 10 * i + 5, .reason = GapReason::kOther});
    }
    bytes += frame(batch);
  }
  const std::string original = write("original", bytes + frame(end(2, 2)));
  EXPECT_EQ(run({"--format", "capture", "-o", path("new"), original}), Exit::kIncomplete);
  EXPECT_EQ(run({"--info", "--format", "json", path("new")}), Exit::kIncomplete);
  EXPECT_THAT(output_, AllOf(HasSubstr("\"unseen_count\":66534"), HasSubstr("\"damage_count\":0")));
}

TEST_F(Rewriting, AKilledRecordingGetsAnEndThatSaysSo) {
  const std::string whole = capture_of(30, 10);
  const std::string killed = write("killed", whole.substr(0, whole.size() - frame(end(30, 3)).size()));
  EXPECT_EQ(run({"--recover", "-o", path("recovered"), killed}), Exit::kIncomplete);
  EXPECT_EQ(run({"--info", path("recovered")}), Exit::kIncomplete);
  EXPECT_THAT(output_, HasSubstr("the end of the recording is missing"));
  EXPECT_THAT(complaints_, HasSubstr("accepts may have gone unseen: the recording was not ended cleanly"));
  // And so it stays.
  EXPECT_EQ(run({"--format", "capture", "-o", path("again"), path("recovered")}), Exit::kIncomplete);
  EXPECT_EQ(run({path("again")}), Exit::kIncomplete);
}

TEST_F(Rewriting, AHoleStaysWhenItWas) {
  // A made-up recording, and another of five days later.
  std::string early = frame(start());
  std::string late = early;
  const auto slice = [](std::uint64_t begin, std::uint64_t lost) {
    capture::Batch batch;
    batch.clock = anchor();
    batch.ledger = capture::Ledger{.begin = begin, .end = begin + 1'000'000'000, .hits = lost, .lost = lost};
    batch.first_event = 0;
    return batch;
  };
  constexpr std::uint64_t kDays = 5 * 86'400'000'000'000;
  early += frame(slice(kMonotonic, 3)) + frame(slice(kMonotonic + 60'000'000'000, 4));
  late += frame(slice(kMonotonic + kDays, 0));
  const std::string a = write("a", early + frame(end(0, 2))), b = write("b", late + frame(end(0, 1)));
  EXPECT_EQ(run({"--format", "capture", "-o", path("both"), a, b}), Exit::kIncomplete);
  EXPECT_EQ(run({path("both")}), Exit::kIncomplete);
  EXPECT_THAT(complaints_, AllOf(HasSubstr("3 accepts lost between 2026-11-23T08:10:50.000Z and 2026-11-23T08:10:51.000Z"),
                                 HasSubstr("4 accepts lost between 2026-11-23T08:11:50.000Z and 2026-11-23T08:11:51.000Z")));
}

// A session of two accepts that begins `second` after the anchor; what is not proved of it is up to the caller.
struct Part {
  bool proved = true;
  bool counts_misses = true;
  bool accounted = true;
  bool watched = true;
  std::uint64_t second = 0;
  std::string boot = "boot-a";

  capture::ClockAnchor clock(std::uint64_t later) const {
    const std::uint64_t by = (second + later) * 1'000'000'000;
    return {kMonotonic + by, kWall + static_cast<std::int64_t>(by), kMonotonic + by};
  }
  std::string bytes() const {
    capture::Start begin = start(boot);
    if (proved) begin.probe.self_test = {"IPv4: as expected"};
    if (!counts_misses) begin.probe.notes = {"probe misses are not recorded: no such file"};
    if (!watched) begin.probe.notes.emplace_back("probes switched off for a moment would go unnoticed");
    begin.clock = clock(0);
    begin.host = "host" + std::to_string(second);
    std::vector<Accept> accepts{sshd(), iperf3()};
    for (Accept& accept : accepts) accept.time = clock(1).monotonic;
    capture::Batch batch = batch_of(accepts, clock(1));
    batch.first_event = 0;
    if (accounted) {
      batch.ledger = capture::Ledger{
          .begin = begin.clock.monotonic, .end = clock(2).monotonic, .hits = 3, .filtered = 1, .written = 2};
    }
    capture::End over = end(2, 1);
    over.clock = clock(2);
    return frame(begin) + frame(batch) + frame(over);
  }
};

TEST_F(Rewriting, AMergeProvesWhatAllOfItsInputsProve) {
  const Part good{.second = 10};
  const std::string whole = write("whole", good.bytes());
  ASSERT_EQ(run({"--require-complete", whole}), Exit::kClean) << complaints_;
  struct Case {
    Part part;
    const char* said;
  };
  for (const auto& [part, said] : {Case{{.proved = false}, "did not prove that the probe works"},
                                   Case{{.counts_misses = false}, "could not count what the probe missed"},
                                   Case{{.accounted = false}, "has no account of losses"},
                                   Case{{.watched = false}, "could not watch whether probes were switched off"}}) {
    for (const std::uint64_t second : {0u, 20u}) {
      Part other = part;
      other.second = second;
      const std::string lacking = write("lacking", other.bytes());
      // The third has it in a session that comes when the merge has begun.
      const std::string later = write("later", Part{.second = 0}.bytes() + other.bytes());
      for (const std::vector<std::string>& inputs : {std::vector{whole, lacking}, {lacking, whole}, {whole, later}, {later, whole}}) {
        std::vector<std::string> merge{"--format", "capture", "--force", "-o", path("both")};
        merge.insert(merge.end(), inputs.begin(), inputs.end());
        ASSERT_EQ(run(merge), Exit::kClean) << complaints_;
        EXPECT_EQ(run({path("both")}), Exit::kClean) << complaints_;
        EXPECT_EQ(run({"--require-complete", path("both")}), Exit::kIncomplete);
        EXPECT_THAT(complaints_, HasSubstr(said));
        // And so it stays, with nothing of the other in it as well.
        ASSERT_EQ(run({"--format", "capture", "--force", "--port", "1", "-o", path("again"), path("both")}), Exit::kClean);
        EXPECT_EQ(run({path("again")}), Exit::kClean) << complaints_;
        EXPECT_EQ(run({"--require-complete", path("again")}), Exit::kIncomplete);
        EXPECT_THAT(complaints_, HasSubstr(said));
      }
    }
  }
  const std::string second = write("second", Part{}.bytes());
  ASSERT_EQ(run({"--format", "capture", "-o", path("good"), whole, second}), Exit::kClean);
  EXPECT_EQ(run({"--require-complete", path("good")}), Exit::kClean) << complaints_;
}

TEST_F(Rewriting, WithAndWithoutAnAccountTheSumsBalance) {
  const std::string with = write("with", Part{}.bytes());
  const std::string without = write("without", Part{.accounted = false, .second = 10}.bytes());
  for (const auto& [a, b] : {std::pair{with, without}, {without, with}}) {
    ASSERT_EQ(run({"--format", "capture", "--force", "-o", path("both"), a, b}), Exit::kClean) << complaints_;
    EXPECT_EQ(run({"--info", path("both")}), Exit::kClean) << complaints_;
    EXPECT_THAT(output_, HasSubstr("5 probe hits = 4 written + 1 filtered + 0 lost"));
    ASSERT_EQ(run({"--format", "capture", "--force", "--port", "22", "-o", path("some"), a, b}), Exit::kClean);
    EXPECT_EQ(run({"--info", path("some")}), Exit::kClean) << complaints_;
    EXPECT_THAT(output_, HasSubstr("5 probe hits = 2 written + 3 filtered + 0 lost"));
  }
}

TEST_F(Rewriting, AMergeBeginsWithTheEarliestAndEndsWithTheLatest) {
  for (const std::string boot : {"boot-a", "boot-b"}) {
    const std::string early = write("early", Part{}.bytes());
    const std::string late = write("late", Part{.second = 100, .boot = boot}.bytes());
    for (const auto& [a, b] : {std::pair{early, late}, {late, early}}) {
      ASSERT_EQ(run({"--format", "capture", "--force", "-o", path("both"), a, b}), Exit::kClean) << complaints_;
      run({"--info", path("both")});
      EXPECT_THAT(output_, AllOf(HasSubstr("host           host0\n"), HasSubstr("start          2026-11-23T08:10:50.000000000Z\n"),
                                 HasSubstr("end            2026-11-23T08:12:32.000000000Z (merged)\n"),
                                 HasSubstr("duration       102.000 s, of the recording\n"),
                                 HasSubstr("span           100.000 s, from the first accept to the last\n"),
                                 HasSubstr("rate           0.04 accepts/s in that time\n")));
      write("expect", "[[expect]]\nat-least = 4\nafter = \"1s\"\n[[forbid]]\nafter = \"102s\"\n");
      EXPECT_EQ(run({"--expect", path("expect"), path("both")}), Exit::kClean) << output_;
    }
  }
}

// The frames around them are intact, and so is what is left.
TEST_F(Rewriting, AStartOrALastBatchThatIsGoneIsNotForgotten) {
  const std::string whole = capture_of(30, 10);
  std::vector<std::size_t> at{0};
  for (std::size_t next = 0; next < whole.size(); at.push_back(next)) {
    next += *capture::frame_length(std::as_bytes(std::span(whole)).subspan(next));
  }
  ASSERT_EQ(at.size(), 6u);  // start, three batches, end
  const std::string no_start = write("no_start", whole.substr(at[1]));
  const std::string no_last = write("no_last", whole.substr(0, at[3]) + whole.substr(at[4]));
  const std::string other = write("other", Part{}.bytes());
  for (const std::string& wanting : {no_start, no_last}) {
    for (const std::vector<std::string>& inputs : {std::vector{wanting}, {wanting, other}, {other, wanting}, {wanting, wanting}}) {
      std::vector<std::string> rewrite{"--format", "capture", "--force", "-o", path("new")};
      rewrite.insert(rewrite.end(), inputs.begin(), inputs.end());
      EXPECT_EQ(run(rewrite), Exit::kIncomplete);
      std::vector<std::string> read{"--format", "csv"};
      read.insert(read.end(), inputs.begin(), inputs.end());
      EXPECT_EQ(run(read), Exit::kIncomplete);
      const std::string rows = output_;
      EXPECT_EQ(run({"--format", "csv", path("new")}), Exit::kIncomplete) << inputs.size();
      // Of boots that are not known, wall time is what remains.
      EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), std::count(rows.begin(), rows.end(), '\n'));
    }
  }
  EXPECT_EQ(run({"--recover", "-o", path("recovered"), no_last}), Exit::kIncomplete);
  run({path("recovered")});
  EXPECT_THAT(complaints_, HasSubstr("may have gone unseen, at most 10: a damaged part of the capture was left out"));
}

TEST_F(Rewriting, WhereNothingIsIntactNothingIsWritten) {
  // What is known of it without its rows is intact.
  std::string batch = frame(batch_of({sshd()}));
  batch[batch.size() - 1] ^= 1;
  const std::string torn = write("torn", batch);
  const std::string other = write("other", batch + batch);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--recover", torn}, {"--format", "capture", torn}, {"--format", "capture", torn, other},
        {"--format", "capture", "--max-bytes", "10k", torn}}) {
    std::vector<std::string> all = arguments;
    all.insert(all.end() - 1, {"-o", path("new")});
    EXPECT_EQ(run(all), Exit::kFailed);
    EXPECT_THAT(complaints_, HasSubstr("nothing intact was found in "));
    EXPECT_FALSE(fs::exists(path("new")));
  }
}

TEST_F(Rewriting, NothingIsOverwrittenAndNothingHalfIsLeft) {
  const std::string original = write("original", capture_of(3, 3));
  write("taken", "precious");
  EXPECT_EQ(run({"--format", "capture", "-o", path("taken"), original}), Exit::kFailed);
  EXPECT_EQ(slurp(path("taken")), "precious");
  EXPECT_EQ(run({"--format", "capture", "-o", path("new"), write("bad", "no capture")}), Exit::kFailed);
  EXPECT_FALSE(fs::exists(path("new")));
  EXPECT_EQ(run({"--format", "capture", "--force", "-o", original, original}), Exit::kClean);
  EXPECT_EQ(run({"--verify", original}), Exit::kClean);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().string().find(".new-"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace tcpaccept::report
