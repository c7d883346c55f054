#include "compare/canonical.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace tcpaccept::compare {
namespace {

using testing::ElementsAre;
using text::Column;

struct Input {
  std::uint64_t time;
  Fields fields;
};

std::vector<Fields> canonical(const std::vector<Column>& columns, const std::vector<Input>& rows, CanonicalRules rules = {}) {
  std::vector<Fields> result;
  Canonical canonical(columns, rules, [&](std::span<const std::string> fields, std::uint64_t) {
    result.emplace_back(fields.begin(), fields.end());
  });
  for (const Input& row : rows) canonical.add(row.time, Fields{row.fields});
  canonical.finish();
  return result;
}

TEST(Canonical, NamesByFirstAppearance) {
  EXPECT_THAT(canonical({Column::kPid, Column::kComm, Column::kTid, Column::kNetns},
                        {{1, {"700", "b", "701", "4026531840"}},
                         {2, {"31", "a", "31", "4026531999"}},
                         {3, {"700", "b", "700", ""}}}),
              ElementsAre(Fields{"P1", "b", "T1", "S1"}, Fields{"P2", "a", "T2", "S2"}, Fields{"P1", "b", "T3", ""}));
}

TEST(Canonical, ARemoteEndIsAnAddressAndAPort) {
  EXPECT_THAT(canonical({Column::kRaddr, Column::kRport},
                        {{1, {"10.0.0.1", "5000"}}, {2, {"10.0.0.2", "5000"}}, {3, {"10.0.0.1", "5000"}}}),
              ElementsAre(Fields{"10.0.0.1", "E1"}, Fields{"10.0.0.2", "E2"}, Fields{"10.0.0.1", "E1"}));
  EXPECT_THAT(canonical({Column::kRport}, {{1, {"5000"}}, {2, {"5000"}}}), ElementsAre(Fields{"E1"}, Fields{"E1"}));
}

TEST(Canonical, AddressesAndLocalPortsOnRequest) {
  EXPECT_THAT(canonical({Column::kRaddr, Column::kRport, Column::kSaddr, Column::kSport},
                        {{1, {"10.0.0.1", "5", "10.0.0.2", "80"}}, {2, {"10.0.0.2", "5", "10.0.0.2", "81"}}},
                        {.addresses = true, .local_ports = true}),
              ElementsAre(Fields{"A1", "E1", "A2", "L1"}, Fields{"A2", "E2", "A2", "L2"}));
}

TEST(Canonical, TimesAndMeasurementsSayNothing) {
  EXPECT_THAT(canonical({Column::kTime, Column::kTimeNs, Column::kWallTime, Column::kCpu, Column::kWaitUs, Column::kAhead,
                         Column::kRttUs, Column::kLeft, Column::kBacklog},
                        {{1, {"0.5", "7", "2026", "3", "9", "9", "9", "9", "128"}}}),
              ElementsAre(Fields{"+0.000", "", "", "", "", "", "", "", "128"}));
}

TEST(Canonical, NoProcessIsNoName) {
  EXPECT_THAT(canonical({Column::kPid, Column::kTid}, {{1, {"0", ""}}}), ElementsAre(Fields{"0", ""}));
}

TEST(Canonical, TiesAreOrderedByWhatStays) {
  const std::vector<Column> columns{Column::kPid, Column::kComm, Column::kSport};
  EXPECT_THAT(canonical(columns, {{5, {"9", "b", "1"}}, {5, {"8", "a", "2"}}, {5, {"7", "a", "1"}}, {6, {"6", "a", "0"}}}),
              ElementsAre(Fields{"P1", "a", "1"}, Fields{"P2", "a", "2"}, Fields{"P3", "b", "1"}, Fields{"P4", "a", "0"}));
  // All within the asked-for time of the first row, not of each other.
  EXPECT_THAT(canonical(columns, {{5, {"9", "b", "1"}}, {7, {"8", "a", "1"}}, {8, {"7", "0", "1"}}}, {.tie = 2}),
              ElementsAre(Fields{"P1", "a", "1"}, Fields{"P2", "b", "1"}, Fields{"P3", "0", "1"}));
}

TEST(Canonical, TooManyNamesAreRefused) {
  Canonical canonical({Column::kPid}, {}, [](auto, auto) {});
  const auto add_all = [&] {
    for (std::size_t i = 1; i <= Canonical::kMaxNames + 2; ++i) canonical.add(i, {std::to_string(i)});
  };
  EXPECT_THROW(add_all(), Error);
}

}  // namespace
}  // namespace tcpaccept::compare
