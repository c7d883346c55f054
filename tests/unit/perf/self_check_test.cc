#include "perf/self_check.h"

#include <gtest/gtest.h>

namespace tcpaccept::perf {
namespace {

Accept accept_of(const char* raddr, std::uint16_t rport) {
  Accept accept;
  accept.raddr = parse_address(raddr).value();
  accept.rport = rport;
  accept.tid = 10;
  accept.listener.pid = 9;
  accept.listener.comm = Comm::from("recorder");
  accept.listener.saddr = accept.raddr;
  accept.listener.sport = 4000;
  accept.listener.family = 2;
  accept.listener.protocol = kProtocolMptcp;
  return accept;
}

const std::vector<OwnAccept> kOwn = {
    {.kind = "IPv4", .made = true, .expected = accept_of("127.0.0.1", 5000)},
    {.kind = "IPv6", .made = false, .why_not = "socket: not offered"},
};

TEST(SelfCheck, PassesWhatIsAsExpected) {
  const std::vector<Accept> seen = {accept_of("10.0.0.1", 6000), kOwn[0].expected};
  const SelfCheck check = check_own_accepts(kOwn, seen, true);
  EXPECT_TRUE(check.passed);
  EXPECT_TRUE(check.proved);
  EXPECT_EQ(check.lines, (std::vector<std::string>{"IPv4: as expected", "IPv6: not made: socket: not offered"}));
}

TEST(SelfCheck, FailsWhatIsNotShownOrShownTwice) {
  SelfCheck check = check_own_accepts(kOwn, {}, true);
  EXPECT_FALSE(check.passed);
  EXPECT_FALSE(check.proved);
  EXPECT_EQ(check.lines[0], "IPv4: the probe did not show it");
  check = check_own_accepts(kOwn, std::vector<Accept>{kOwn[0].expected, kOwn[0].expected}, true);
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.lines[0], "IPv4: the probe showed it more than once");
}

TEST(SelfCheck, NamesEveryFieldThatIsWrong) {
  Accept wrong = kOwn[0].expected;
  wrong.raddr = parse_address("127.0.0.6").value();
  wrong.listener.family = 10;
  wrong.listener.comm = Comm::from("other");
  wrong.tid = 11;
  const SelfCheck check = check_own_accepts(kOwn, std::vector<Accept>{wrong}, true);
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.lines[0],
            "IPv4: remote address 127.0.0.6 instead of 127.0.0.1, command other instead of recorder, "
            "thread 11 instead of 10, family 10 instead of 2");
}

TEST(SelfCheck, TheProtocolCountsOnlyWhereThePlanCanTell) {
  Accept subflow = kOwn[0].expected;
  subflow.listener.protocol = kProtocolTcp;
  EXPECT_FALSE(check_own_accepts(kOwn, std::vector<Accept>{subflow}, true).passed);
  EXPECT_TRUE(check_own_accepts(kOwn, std::vector<Accept>{subflow}, false).passed);
  subflow.listener.protocol = 0;  // not recorded
  EXPECT_TRUE(check_own_accepts(kOwn, std::vector<Accept>{subflow}, true).passed);
}

TEST(SelfCheck, WithoutAnyConnectionNothingIsProved) {
  const SelfCheck check = check_own_accepts(std::span{kOwn}.subspan(1), {}, true);
  EXPECT_TRUE(check.passed);
  EXPECT_FALSE(check.proved);
}

}  // namespace
}  // namespace tcpaccept::perf
