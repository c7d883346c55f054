#include "compare/comparison.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"

namespace tcpaccept::compare {
namespace {

using text::Column;

struct Input {
  std::int64_t time;
  std::vector<std::string> fields;
};

Verdict compared(const std::vector<Input>& expected, const std::vector<Input>& actual, bool sequence = false,
                 const Tolerance& tolerance = {}) {
  Comparison comparison({Column::kComm, Column::kSport, Column::kRaddr}, sequence, tolerance);
  for (const Input& row : expected) comparison.add(Side::kExpected, row.fields, row.time);
  for (const Input& row : actual) comparison.add(Side::kActual, row.fields, row.time);
  return comparison.finish();
}

const Input kSsh{1, {"sshd", "22", "10.0.0.1"}};
const Input kSshOther{2, {"sshd", "22", "10.0.0.2"}};
const Input kWeb{3, {"nginx", "443", "10.0.0.1"}};

TEST(Comparison, OrderDoesNotCountUnlessAskedFor) {
  EXPECT_TRUE(compared({kSsh, kWeb, kSshOther}, {kWeb, kSshOther, kSsh}).same());
  const Verdict verdict = compared({kSsh, kWeb, kSshOther}, {kWeb, kSshOther, kSsh}, true);
  EXPECT_EQ(verdict.missing, 1u);
  EXPECT_EQ(verdict.unexpected, 1u);
  EXPECT_EQ(verdict.script,
            "@@ expected 1, actual 1 @@\n"
            "-comm=sshd sport=22 raddr=10.0.0.1\n"
            " comm=nginx sport=443 raddr=10.0.0.1\n"
            " comm=sshd sport=22 raddr=10.0.0.2\n"
            "+comm=sshd sport=22 raddr=10.0.0.1\n");
}

TEST(Comparison, DifferencesAreCountedByListener) {
  const Verdict verdict = compared({kSsh, kSsh, kSsh, kWeb}, {kSsh, kSshOther, kWeb});
  EXPECT_EQ(verdict.missing, 2u);
  EXPECT_EQ(verdict.unexpected, 1u);
  ASSERT_EQ(verdict.groups.size(), 2u);
  EXPECT_EQ(verdict.groups[0].name, "comm=nginx sport=443");
  EXPECT_TRUE(verdict.groups[0].differences.empty());
  EXPECT_EQ(verdict.groups[1].name, "comm=sshd sport=22");
  EXPECT_EQ(verdict.groups[1].count, (std::array<std::uint64_t, 2>{3, 2}));
  ASSERT_EQ(verdict.groups[1].differences.size(), 2u);
  EXPECT_EQ(verdict.groups[1].differences[0].what, "raddr=10.0.0.1");
  EXPECT_EQ(verdict.groups[1].differences[0].count, (std::array<std::uint64_t, 2>{3, 1}));
  EXPECT_EQ(verdict.groups[1].differences[1].what, "raddr=10.0.0.2");
}

TEST(Comparison, CountsAreTolerated) {
  const std::vector<Input> ten(10, kSsh), eleven(11, kSsh), twelve(12, kSsh);
  EXPECT_FALSE(compared(ten, eleven).same());
  EXPECT_TRUE(compared(ten, eleven, false, {.count = 1}).same());
  EXPECT_FALSE(compared(ten, twelve, false, {.count = 1}).same());
  EXPECT_TRUE(compared(ten, twelve, false, {.percent = 20}).same());
  EXPECT_FALSE(compared(ten, twelve, false, {.percent = 19}).same());
}

TEST(Comparison, TimesCountFromTheFirstRowOfEachSide) {
  const Tolerance close{.time = 100};
  const auto at = [](std::int64_t time) { return Input{time, kSsh.fields}; };
  EXPECT_TRUE(compared({at(1000), at(2000)}, {at(50), at(1150)}, false, close).same());
  const Verdict verdict = compared({at(0), at(2'000'000'000)}, {at(0), at(3'500'000'000)}, false, close);
  EXPECT_EQ(verdict.late, 1u);
  EXPECT_EQ(verdict.groups.front().differences.front().time, "number 2 came at +3.500 s, expected at +2.000 s");
  EXPECT_TRUE(compared({at(0), at(2'000'000'000)}, {at(0), at(3'500'000'000)}).same());
  // The least number there is, from a hostile file.
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(compared({at(0), at(0)}, {at(0), at(least)}, false, close).groups.front().differences.front().time,
            "number 2 came at -9223372036.854 s, expected at +0.000 s");
}

TEST(Comparison, ManyDifferencesAreListedInPartAndCountedInFull) {
  std::vector<Input> expected;
  for (std::size_t i = 0; i < Comparison::kMaxListed + 10; ++i) expected.push_back({0, {"a", "1", std::to_string(i)}});
  EXPECT_EQ(compared(expected, {}).groups.front().more, 10u);
  EXPECT_EQ(compared(expected, {}).missing, expected.size());
  const Verdict sequence = compared(expected, {}, true);
  EXPECT_EQ(sequence.missing, expected.size());
  EXPECT_GT(sequence.groups.front().more, 0u);
}

// What is said when so many rows, half of them on each side, are one more than can be compared.
std::string refusal(std::size_t most, bool all_differ, bool sequence, const Tolerance& tolerance = {}) {
  Comparison comparison({Column::kRaddr}, sequence, tolerance);
  std::vector<std::string> fields{"same"};
  const auto add = [&](std::size_t i) {
    if (all_differ) fields[0] = std::to_string(i);
    comparison.add(i % 2 == 0 ? Side::kExpected : Side::kActual, fields, 0);
  };
  for (std::size_t i = 0; i < most; ++i) add(i);
  try {
    add(most);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Comparison, TooMuchIsRefusedOverBothSidesTogether) {
  EXPECT_EQ(refusal(Comparison::kMaxKinds, true, false),
            "more than 80000 different accepts to compare, both sides together; choose fewer rows or columns");
  const std::string rows =
      "more than 160000 accepts to compare in order or by time, both sides together; choose fewer rows, or leave out "
      "--sequence and --tolerate-time";
  EXPECT_EQ(refusal(Comparison::kMaxRows, false, true), rows);
  EXPECT_EQ(refusal(Comparison::kMaxRows, false, false, {.time = 1}), rows);
  EXPECT_EQ(refusal(Comparison::kMaxRows, false, false), "");
}

TEST(Comparison, HostileNamesAreHarmless) {
  const Verdict verdict = compared({{0, {"a\n+b", "1", "\x1b[31m"}}}, {});
  EXPECT_EQ(verdict.groups.front().name, "comm=a\\x0a+b sport=1");
  EXPECT_EQ(verdict.groups.front().differences.front().what, "raddr=\\x1b[31m");
}

}  // namespace
}  // namespace tcpaccept::compare
