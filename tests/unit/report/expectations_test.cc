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

// Accepts of sshd at these seconds after the recording began.
Outcome checked(const std::string& text, const std::vector<std::uint64_t>& seconds, bool hole = false) {
  Expectations expectations(parse_expectations(text, "file"));
  capture::Start start;
  start.clock = anchor();
  expectations.observer(0).start(start);
  std::vector<Accept> accepts;
  for (const std::uint64_t second : seconds) {
    accepts.push_back(sshd());
    accepts.back().time = kMonotonic + second * kSecond;
  }
  const capture::Batch batch = batch_of(accepts);
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0u);
  if (!rows.empty()) expectations.append({.batch = &batch, .rows = rows, .begins_batch = true, .ends_batch = true}, nullptr);
  text::Buffer out;
  std::vector<compare::TestCase> cases;
  const Exit exit = expectations.conclude(hole, out, cases);
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

TEST(Expectations, AHoleProvesNothingAboutWhatIsNotThere) {
  const std::string least = "[[expect]]\nport = 22\nat-least = 2\n";
  const std::string most = "[[expect]]\nport = 22\nat-most = 2\n";
  EXPECT_EQ(checked(least, {1, 2}, true).exit, Exit::kClean);
  EXPECT_EQ(checked(least, {1}, true).exit, Exit::kIncomplete);
  EXPECT_EQ(checked(least, {1}, false).exit, Exit::kFailed);
  EXPECT_EQ(checked(most, {1, 2}, true).exit, Exit::kIncomplete);
  EXPECT_EQ(checked(most, {1, 2}, false).exit, Exit::kClean);
  EXPECT_EQ(checked(most, {1, 2, 3}, true).exit, Exit::kFailed);
  EXPECT_EQ(checked("[[forbid]]\nport = 23\n", {1}, true).exit, Exit::kIncomplete);
  EXPECT_EQ(checked("[[forbid]]\nport = 23\n" + least, {1}, false).exit, Exit::kFailed);
}

}  // namespace
}  // namespace tcpaccept::report
