#include "report/newest.h"

#include <gmock/gmock.h>

#include <thread>

#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A number that cannot be compressed (splitmix64).
std::uint64_t noise(std::uint64_t from) {
  from = (from + 1) * 0x9e3779b97f4a7c15u;
  from = (from ^ from >> 30) * 0xbf58476d1ce4e5b9u;
  from = (from ^ from >> 27) * 0x94d049bb133111ebu;
  return from ^ from >> 31;
}

class MaxBytes : public Reports {
 protected:
  // `count` accepts, a second apart, in batches of `each`, whose ports and threads cannot be compressed; one of each batch is lost.
  static std::string session(std::size_t count, std::size_t each, const std::string& boot = "boot-a", std::uint64_t from = 0) {
    std::string bytes = frame(start(boot));
    for (std::size_t i = 0; i < count; i += each) {
      std::vector<Accept> accepts;
      for (std::size_t j = i; j < std::min(count, i + each); ++j) {
        Accept accept = sshd();
        accept.time = kMonotonic + (from + j) * 1'000'000'000;
        accept.rport = static_cast<std::uint16_t>(noise(from + j));
        accept.tid = static_cast<std::uint32_t>(noise(from + j) >> 32);
        accepts.push_back(accept);
      }
      capture::Batch batch = batch_of(accepts);
      batch.first_event = i;
      batch.ledger = capture::Ledger{.begin = accepts.front().time,
                                     .end = accepts.back().time + 1'000'000'000,
                                     .hits = accepts.size() + 1,
                                     .lost = 1,
                                     .written = accepts.size()};
      batch.cpu_losses = {{static_cast<std::uint16_t>(i % 3), 1}};
      bytes += frame(batch);
    }
    return bytes + frame(end(count, (count + each - 1) / each));
  }
  // The rows of a table, without its header.
  std::vector<std::string> rows(const std::string& file) {
    std::istringstream text(csv(file));
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    all.erase(all.begin());
    return all;
  }
};

TEST_F(MaxBytes, KeepsTheNewestThatFitAndBalances) {
  const std::string file = write("all", session(60'000, 1000));
  const std::vector<std::string> all = rows(file);
  for (const std::uint64_t most : {std::uint64_t{4000}, std::uint64_t{20'000}, std::uint64_t{100'001}, std::uint64_t{250'000}}) {
    for (const bool plain : {false, true}) {
      std::vector<std::string> arguments{"--format", "capture", "--max-bytes", std::to_string(most), "--force", "-o", path("some"), file};
      if (plain) arguments.emplace_back("--plain");
      ASSERT_EQ(run(arguments), Exit::kIncomplete) << complaints_;
      const std::uint64_t size = std::filesystem::file_size(path("some"));
      EXPECT_LE(size, most);
      EXPECT_GE(size + 1000, most);  // no room is wasted
      const std::vector<std::string> kept = rows(path("some"));
      ASSERT_LT(kept.size(), all.size());
      ASSERT_GT(kept.size(), 0u);
      EXPECT_TRUE(std::equal(kept.begin(), kept.end(), all.end() - static_cast<std::ptrdiff_t>(kept.size())));
      const std::size_t gone = all.size() - kept.size();
      run(arguments);
      EXPECT_THAT(complaints_, AllOf(HasSubstr("left out the first " + std::to_string(gone) + " accepts, between 2026-11-23T08:10:50.000000000Z and "),
                                     HasSubstr("(--max-bytes)")));
      // Nothing else is missing than was.
      EXPECT_EQ(run({"--info", path("some")}), Exit::kIncomplete);
      EXPECT_THAT(output_, HasSubstr("account        60060 probe hits = " + std::to_string(kept.size()) + " written + " +
                                     std::to_string(gone) + " filtered + 60 lost"));
      EXPECT_THAT(output_, HasSubstr("lost           20 on CPU 0, 20 on CPU 1, 20 on CPU 2"));
      EXPECT_THAT(complaints_, HasSubstr(" accepts lost between "));
      EXPECT_THAT(complaints_, AllOf(Not(HasSubstr("missing")), Not(HasSubstr("add up")), Not(HasSubstr("more often"))));
      EXPECT_EQ(run({"--verify", path("some")}), Exit::kIncomplete);
      EXPECT_THAT(output_, HasSubstr("some: intact, " + std::to_string(kept.size()) + " accepts in"));
      // Once more, through the rewriter: its account is taken as it is.
      ASSERT_EQ(run({"--format", "capture", "--force", "-o", path("again"), path("some")}), Exit::kIncomplete);
      EXPECT_EQ(csv(path("again")), csv(path("some")));
    }
  }
}

TEST_F(MaxBytes, WhatFitsStaysAsItIs) {
  const std::string file = write("all", session(5000, 100));
  ASSERT_EQ(run({"--format", "capture", "-o", path("plainly"), file}), Exit::kIncomplete);
  ASSERT_EQ(run({"--format", "capture", "--max-bytes", "10m", "-o", path("some"), file}), Exit::kIncomplete);
  EXPECT_EQ(slurp(path("some")), slurp(path("plainly")));
  EXPECT_THAT(complaints_, Not(HasSubstr("left out")));
}

TEST_F(MaxBytes, WholeSessionsGoFirst) {
  std::string bytes;
  for (std::uint64_t i = 0; i < 5; ++i) bytes += session(3000, 1000, "boot-a", i * 3000);
  const std::string file = write("all", bytes);
  const std::vector<std::string> all = rows(file);
  for (const char* const most : {"20k", "30k", "40k"}) {
    ASSERT_EQ(run({"--format", "capture", "--max-bytes", most, "--force", "-o", path("some"), file}), Exit::kIncomplete) << complaints_;
    EXPECT_THAT(complaints_, HasSubstr("whole session"));
    const std::vector<std::string> kept = rows(path("some"));
    ASSERT_GT(kept.size(), 0u);
    EXPECT_TRUE(std::equal(kept.begin(), kept.end(), all.end() - static_cast<std::ptrdiff_t>(kept.size())));
    EXPECT_EQ(run({"--info", path("some")}), Exit::kIncomplete);
    EXPECT_THAT(complaints_, AllOf(Not(HasSubstr("missing")), Not(HasSubstr("add up")), Not(HasSubstr("without"))));
  }
}

TEST_F(MaxBytes, FromAPipeAndWithoutAnAccount) {
  std::string bytes = frame(start());
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::vector<Accept> accepts(200, sshd());
    for (std::size_t j = 0; j < accepts.size(); ++j) {
      accepts[j].time = kMonotonic + i * 1000 + j;
      accepts[j].rport = static_cast<std::uint16_t>(noise(i * 200 + j));
    }
    capture::Batch batch = batch_of(accepts);
    batch.first_event = i * 200;
    bytes += frame(batch);
  }
  bytes += frame(end(60'000, 300));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd in(ends[0]);
  std::thread writer([&] {
    const UniqueFd out(ends[1]);
    for (std::string_view rest = bytes; !rest.empty();) {
      const ssize_t written = ::write(out.get(), rest.data(), rest.size());
      if (written <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  });
  EXPECT_EQ(run({"--format", "capture", "--max-bytes", "20k", "-o", path("some"), "-"}, in.get()), Exit::kClean) << complaints_;
  writer.join();
  EXPECT_LE(std::filesystem::file_size(path("some")), 20u << 10);
  EXPECT_EQ(run({"--verify", path("some")}), Exit::kClean) << complaints_;
  EXPECT_GT(rows(path("some")).size(), 1000u);
}

// The last of a file is kept; if that is not the newest, nobody is told that it were.
TEST_F(MaxBytes, SessionsOutOfOrder) {
  const std::string file = write("all", session(3000, 1000, "boot-a", 9000) + session(3000, 1000, "boot-a", 0));
  const std::vector<std::string> all = rows(file);
  ASSERT_EQ(run({"--format", "capture", "--max-bytes", "10k", "-o", path("some"), file}), Exit::kIncomplete);
  const std::vector<std::string> kept = rows(path("some"));
  ASSERT_GT(kept.size(), 0u);
  ASSERT_LT(kept.size(), 3000u);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), all.end() - static_cast<std::ptrdiff_t>(kept.size())));
  run({"--format", "capture", "--max-bytes", "10k", "--force", "-o", path("some"), file});
  // From the first of the second session to the last of the first one.
  EXPECT_THAT(complaints_, AllOf(HasSubstr("left out the first " + std::to_string(6000 - kept.size()) +
                                           " accepts, between 2026-11-23T08:10:50.000000000Z and 2026-11-23T11:30:49.000000000Z"),
                                 Not(HasSubstr("oldest"))));
}

TEST_F(MaxBytes, RoomForNoAcceptIsAnError) {
  const std::string file = write("all", session(2000, 200));
  bool fitted = false;
  for (std::uint64_t most = 200; most < 2000; most += 20) {
    const Exit status = run({"--format", "capture", "--max-bytes", std::to_string(most), "--force", "-o", path("some"), file});
    if (status == Exit::kUsage) {
      EXPECT_FALSE(fitted) << most;
      EXPECT_THAT(complaints_, HasSubstr(std::to_string(most) + " bytes are too few for any accept of "));
      EXPECT_FALSE(std::filesystem::exists(path("some")));
    } else {
      fitted = true;
      EXPECT_GT(rows(path("some")).size(), 0u) << most;
    }
  }
  EXPECT_TRUE(fitted);
  // Where there are none, none have to fit.
  const std::string none = write("none", frame(start()) + frame(end(0, 0)));
  EXPECT_EQ(run({"--format", "capture", "--max-bytes", "1k", "--force", "-o", path("some"), none}), Exit::kClean) << complaints_;
}

TEST_F(MaxBytes, OnlyThePathsOfWhatStaysTakeRoom) {
  std::vector<Accept> accepts;
  for (std::size_t i = 0; i < 600; ++i) {
    accepts.push_back(sshd());
    accepts.back().time += i;
    accepts.back().listener.cgroup = 1 + i % 300;
  }
  capture::Batch batch = batch_of(accepts);
  batch.first_event = 0;
  const auto pod = [](std::size_t i) { return "/pod-" + std::to_string(i) + "-"; };
  for (std::size_t i = 1; i <= 300; ++i) batch.cgroups.push_back({i, pod(i) + std::string(200, 'x')});
  const std::string file = write("all", frame(start()) + frame(batch) + frame(end(600, 1)));

  for (const std::uint64_t most : {4000u, 20000u, 50000u}) {
    run({"--format", "capture", "--plain", "--max-bytes", std::to_string(most), "--force", "-o", path("some"), file});
    const std::string bytes = slurp(path("some"));
    EXPECT_LE(bytes.size(), most);
    EXPECT_GT(bytes.size(), most - 1000);
    const std::size_t kept = rows(path("some")).size();
    ASSERT_THAT(kept, AllOf(::testing::Gt(0u), ::testing::Lt(300u))) << most;
    for (std::size_t i = 1; i <= 300; ++i) EXPECT_EQ(bytes.find(pod(i)) != std::string::npos, i > 300 - kept) << i;
  }
}

TEST_F(MaxBytes, TooFewBytesForAnythingAreAnError) {
  const std::string file = write("all", session(100, 10));
  EXPECT_EQ(run({"--format", "capture", "--max-bytes", "100", "-o", path("some"), file}), Exit::kUsage);
  EXPECT_THAT(complaints_, HasSubstr("100 bytes are too few"));
  EXPECT_FALSE(std::filesystem::exists(path("some")));
}

TEST_F(MaxBytes, WithAnonymize) {
  const std::string file = write("all", session(60'000, 1000));
  ASSERT_EQ(run({"--anonymize", "--format", "capture", "--max-bytes", "50k", "-o", path("some"), file}), Exit::kIncomplete) << complaints_;
  EXPECT_THAT(csv(path("some")), Not(HasSubstr("192.168.60.1")));
}

TEST_F(MaxBytes, AroundATimeWithAnySign) {
  const std::string file = write("all", session(100, 10));
  const auto count = [&](const std::string& around) {
    EXPECT_EQ(run({"--around", around, file}), Exit::kIncomplete) << complaints_;
    return std::count(output_.begin(), output_.end(), '\n') - 1;
  };
  EXPECT_EQ(count("+50"), 20);
  EXPECT_EQ(count("+50+-2.5"), 5);
  EXPECT_EQ(count("+50~2.5"), 5);
  EXPECT_EQ(count("+50\xc2\xb1" "2.5"), 5);
  EXPECT_EQ(count("+2+-5"), 7);
  EXPECT_EQ(count("2026-11-23T08:11:40Z+-2.5"), 5);
  EXPECT_EQ(count("2026-11-23 09:11:40+01:00~2.5"), 5);
}

}  // namespace
}  // namespace tcpaccept::report
