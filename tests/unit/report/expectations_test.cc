#include "report/expectations.h"

#include <gtest/gtest.h>

#include <numeric>

#include "support/samples.h"

namespace tcpaccept::report {
namespace {

using namespace samples;

constexpr std::uint64_t kSecond = 1'000'000'000;

std::string why(const std::string& text) {
  try {
    parse_expectations(text, "file");
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Exit::kUsage);
    return error.what();
  }
  return "";
}

struct Outcome {
  Exit exit;
  std::string text;
};

using Missing = Expectations::Missing;

// Accounts that follow each other, each of the seconds after the one before it.
struct Told {
  std::uint64_t until;  // seconds after the recording began
  std::uint64_t lost = 0;
  std::vector<Gap> gaps{};
  std::uint64_t hits = lost;
  std::uint64_t filtered = 0;
};

Gap gap(std::uint64_t begin, std::uint64_t end, GapReason reason = GapReason::kProbesOff) {
  return {.begin = kMonotonic + begin * kSecond, .end = kMonotonic + end * kSecond, .reason = reason};
}

// Accepts of sshd at these seconds after the recording began. `told`: what the accounts say.
Outcome checked(const std::string& text, const std::vector<std::uint64_t>& seconds, Missing missing = Missing::kNothing,
                const std::vector<Told>& told = {}, bool ended = true) {
  Expectations expectations(parse_expectations(text, "file"));
  capture::Start start;
  start.clock = anchor();
  const Observer observer = expectations.observer(0);
  observer.start(start);
  std::uint64_t begin = kMonotonic;
  for (const Told& one : told) {
    const std::uint64_t end = kMonotonic + one.until * kSecond;
    observer.account({.clock = anchor(),
                      .ledger = capture::Ledger{.begin = begin,
                                                .end = end,
                                                .hits = one.hits + one.filtered,
                                                .lost = one.lost,
                                                .filtered = one.filtered},
                      .cpu_losses = {},
                      .gaps = one.gaps});
    begin = end;
  }
  std::vector<Accept> accepts;
  for (const std::uint64_t second : seconds) {
    accepts.push_back(sshd());
    accepts.back().time = kMonotonic + second * kSecond;
  }
  const capture::Batch batch = batch_of(accepts);
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0u);
  if (!rows.empty()) expectations.append({.batch = &batch, .rows = rows, .begins_batch = true, .ends_batch = true}, nullptr);
  SessionTotals session{.start = start};
  if (ended) session.end = capture::End{};
  observer.session(session);
  text::Buffer out;
  std::vector<compare::TestCase> cases;
  const Exit exit = expectations.conclude(missing, out, cases);
  return {exit, std::string(out.view())};
}

TEST(Expectations, AreReadInTheOrderOfTheFile) {
  const auto read = parse_expectations(
      "[[forbid]]\nport = [22, \"8000-8001\"]\n[[expect]]\nname = \"x\\u001b\"\nfrom = \"10.0.0.0/8\"\nat-most = 5\n"
      "[[forbid]]\ncomm = \"sshd\"\nwithin = \"1.5s\"\nafter = \"2ms\"\nnot-from = \"::/0\"\npid = 7\n",
      "file");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].name, "forbid port 22,8000-8001");
  EXPECT_EQ(read[0].filter.ports, (std::vector<std::uint16_t>{22, 8000, 8001}));
  EXPECT_EQ(read[0].at_most, 0u);
  EXPECT_EQ(read[1].name, "x\\x1b");
  EXPECT_EQ(read[1].at_least, 0u);
  EXPECT_EQ(read[1].at_most, 5u);
  EXPECT_EQ(read[1].filter.raddrs.size(), 1u);
  EXPECT_EQ(read[2].within_us, 1'500'000u);
  EXPECT_EQ(read[2].after_us, 2000u);
  EXPECT_EQ(read[2].not_from.size(), 1u);
}

TEST(Expectations, WhatIsWrongIsSaidWithItsLine) {
  EXPECT_EQ(why(""), "file: expects nothing; it needs [[expect]] or [[forbid]]");
  EXPECT_EQ(why("\n[[expext]]\n"), "file: line 2: 'expext': only [[expect]] and [[forbid]] are known");
  EXPECT_EQ(why("expect = 3\n"), "file: line 1: 'expect': only [[expect]] and [[forbid]] are known");
  EXPECT_EQ(why("expect = [1]\n"), "file: [[expect]] and [[forbid]] are tables");
  EXPECT_EQ(why("[[expect]]\nport = 1.5\n"), "file: line 2: port: neither a string nor a whole number");
  EXPECT_EQ(why("[[expect]]\nport = -1\n"), "file: line 2: port: '-1' is not a port (0 to 65535) or a range like 8000-8100");
  EXPECT_EQ(why("[[expect]]\nfrom = [\"10.0.0.0/8\",\n 3]\n"),
            "file: line 2: from: '3' is neither an address nor a prefix like 10.0.0.0/8 or 2001:db8::/32");
  EXPECT_EQ(why("[[expect]]\nfrom = []\n"), "file: line 2: from: is empty");
  EXPECT_EQ(why("[[expect]]\nat-least = -1\n"), "file: line 2: at-least: not a whole number of accepts");
  EXPECT_EQ(why("[[expect]]\nwithin = 5\n"), "file: line 2: within: not a time with its unit, like \"10s\"");
  EXPECT_EQ(why("[[expect]]\nat-least = 2\nat-most = 1\n"), "file: line 1: at-least is more than at-most");
  EXPECT_EQ(why("[[forbid]]\nat-most = 1\n"), "file: line 1: [[forbid]] takes neither at-least nor at-most");
  EXPECT_EQ(why("[[expect]]\nname = 1\n"), "file: line 2: name: not a string");
  EXPECT_EQ(why("[[expect]]\n[expect.port]\na = 1\n"), "file: line 2: port: neither a string nor a whole number");
}

TEST(Expectations, CountWithinATimeOfTheRecordingsBeginning) {
  const auto count = [](const std::string& keys) {
    return checked("[[expect]]\nname = \"n\"\nport = 22\n" + keys, {0, 1, 2, 3}).text;
  };
  EXPECT_EQ(count(""), "pass     n: 4 accepts, at least 1\n1 expectation: 1 passed, 0 failed, 0 unknown\n");
  EXPECT_NE(count("within = \"2s\"\n").find("n: 2 accepts"), std::string::npos);
  EXPECT_NE(count("after = \"1s\"\n").find("n: 3 accepts"), std::string::npos);
  EXPECT_NE(count("after = \"1s\"\nwithin = \"2s\"\n").find("n: 1 accept,"), std::string::npos);
  EXPECT_NE(count("from = \"192.168.60.0/24\"\nnot-from = \"192.168.60.1\"\n").find("n: 0 accepts"), std::string::npos);
}

TEST(Expectations, WithoutItsStartARecordingBeginsWithItsFirstAccept) {
  Expectations expectations(parse_expectations("[[expect]]\nport = 22\nwithin = \"2s\"\n", "file"));
  const Observer observer = expectations.observer(0);
  observer.account({.clock = anchor(), .ledger = capture::Ledger{.end = kMonotonic}, .cpu_losses = {}, .gaps = {}});
  const capture::Batch batch = batch_of({sshd()});
  const std::vector<std::uint32_t> rows{0};
  expectations.append({.batch = &batch, .rows = rows, .begins_batch = true, .ends_batch = true}, nullptr);
  observer.session({.number = 1});
  text::Buffer out;
  std::vector<compare::TestCase> cases;
  EXPECT_EQ(expectations.conclude(Missing::kNothing, out, cases), Exit::kClean);
}

TEST(Expectations, AHoleProvesNothingAboutWhatIsNotThere) {
  const std::string least = "[[expect]]\nport = 22\nat-least = 2\n";
  const std::string most = "[[expect]]\nport = 22\nat-most = 2\n";
  EXPECT_EQ(checked(least, {1, 2}, Missing::kAnywhere).exit, Exit::kClean);
  EXPECT_EQ(checked(least, {1}, Missing::kAnywhere).exit, Exit::kIncomplete);
  EXPECT_EQ(checked(least, {1}).exit, Exit::kFailed);
  EXPECT_EQ(checked(most, {1, 2}, Missing::kAnywhere).exit, Exit::kIncomplete);
  EXPECT_EQ(checked(most, {1, 2}).exit, Exit::kClean);
  EXPECT_EQ(checked(most, {1, 2, 3}, Missing::kAnywhere).exit, Exit::kFailed);
  EXPECT_EQ(checked("[[forbid]]\nport = 23\n", {1}, Missing::kAnywhere).exit, Exit::kIncomplete);
  EXPECT_EQ(checked("[[forbid]]\nport = 23\n" + least, {1}).exit, Exit::kFailed);
}

TEST(Expectations, WhatWasLeftOutOnRequestIsSaidWhereItMatters) {
  const std::vector<Told> told{{.until = 3}, {.until = 5, .filtered = 1}, {.until = 9, .filtered = 4}};
  const auto said = [&](const std::string& keys) { return checked(keys, {1, 2}, Missing::kNothing, told); };
  const Outcome forbidden = said("[[forbid]]\nport = 23\n");
  EXPECT_EQ(forbidden.exit, Exit::kClean) << "a fixture is cut for that";
  EXPECT_NE(forbidden.text.find("at most 0; 5 accepts of that time filtered out of the capture\n"), std::string::npos);
  EXPECT_NE(said("[[forbid]]\nport = 23\nwithin = \"4s\"\n").text.find("; 1 accept of that"), std::string::npos);
  EXPECT_EQ(said("[[forbid]]\nport = 23\nwithin = \"3s\"\n").text.find("filtered"), std::string::npos);
  EXPECT_NE(said("[[expect]]\nport = 23\n").text.find("FAIL     expect port 23: 0 accepts, at least 1; 5 accepts of"),
            std::string::npos);
  // These are certain whatever else there was.
  EXPECT_EQ(said("[[expect]]\nport = 22\n").text.find("filtered"), std::string::npos);
  EXPECT_EQ(said("[[expect]]\nport = 22\nat-most = 1\n").text.find("filtered"), std::string::npos);
}

TEST(Expectations, AHoleOutsideTheirTimeIsNoneOfTheirs) {
  const std::vector<Told> lost{{.until = 3}, {.until = 5, .lost = 7}, {.until = 9}};
  const auto forbidden = [](const std::string& keys, const std::vector<Told>& told, bool ended = true) {
    return checked("[[forbid]]\nport = 23\n" + keys, {1}, Missing::kInHoles, told, ended).exit;
  };
  EXPECT_EQ(forbidden("", lost), Exit::kIncomplete);
  EXPECT_EQ(forbidden("within = \"3s\"\n", lost), Exit::kClean) << "up to, not including";
  EXPECT_EQ(forbidden("within = \"3000001us\"\n", lost), Exit::kIncomplete);
  EXPECT_EQ(forbidden("after = \"5s\"\n", lost), Exit::kIncomplete) << "a hole may have its end";
  EXPECT_EQ(forbidden("after = \"5000001us\"\n", lost), Exit::kClean);
  EXPECT_EQ(forbidden("after = \"6s\"\nwithin = \"8s\"\n", lost), Exit::kClean);
  EXPECT_EQ(forbidden("after = \"4s\"\nwithin = \"4500ms\"\n", lost), Exit::kIncomplete);

  // The loss was told later than it came about.
  const std::vector<Told> late{{.until = 1}, {.until = 3, .hits = 7}, {.until = 5, .lost = 7, .hits = 0}, {.until = 9}};
  EXPECT_EQ(forbidden("within = \"1s\"\n", late), Exit::kClean);
  EXPECT_EQ(forbidden("after = \"1s\"\nwithin = \"2s\"\n", late), Exit::kIncomplete);
  EXPECT_EQ(forbidden("after = \"6s\"\n", late), Exit::kClean);

  // What no account covers.
  EXPECT_EQ(forbidden("within = \"9s\"\n", {{.until = 9}}, false), Exit::kClean);
  EXPECT_EQ(forbidden("within = \"10s\"\n", {{.until = 9}}, false), Exit::kIncomplete);
  EXPECT_EQ(forbidden("after = \"1s\"\n", {{.until = 9}}, false), Exit::kIncomplete);
  EXPECT_EQ(forbidden("within = \"1s\"\n", {}, false), Exit::kIncomplete);

  EXPECT_EQ(forbidden("within = \"1s\"\n", {{.until = 9, .gaps = {gap(2, 3)}}}), Exit::kClean);
  EXPECT_EQ(forbidden("within = \"5s\"\n", {{.until = 9, .gaps = {gap(2, 3)}}}), Exit::kIncomplete);
  EXPECT_EQ(forbidden("after = \"4s\"\n", {{.until = 9, .gaps = {gap(2, 3)}}}), Exit::kClean);
  EXPECT_EQ(forbidden("after = \"4s\"\n", {{.until = 9, .gaps = {gap(2, 3, GapReason::kNotEnded)}}}),
            Exit::kIncomplete);
  EXPECT_EQ(forbidden("within = \"1s\"\n", {{.until = 9, .gaps = {gap(2, 3, GapReason::kDamage)}}}), Exit::kIncomplete);
  EXPECT_EQ(forbidden("after = \"4s\"\n", {{.until = 9, .gaps = {gap(0, 0, GapReason::kWaitingThreads)}}}),
            Exit::kIncomplete);
  EXPECT_EQ(forbidden("within = \"1s\"\n", {{.until = 9, .gaps = {gap(5, 5, GapReason::kDamage)}}}), Exit::kIncomplete);

  EXPECT_EQ(checked("[[expect]]\nport = 22\nwithin = \"1s\"\n", {2}, Missing::kInHoles, lost).exit, Exit::kFailed);
  EXPECT_EQ(checked("[[expect]]\nport = 22\nwithin = \"1s\"\n", {2}, Missing::kAnywhere, lost).exit, Exit::kIncomplete);
}

}  // namespace
}  // namespace tcpaccept::report
