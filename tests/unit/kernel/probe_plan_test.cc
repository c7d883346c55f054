#include "kernel/probe_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "core/error.h"

namespace tcpaccept::kernel {
namespace {

// Offsets as Debian's 6.12.107 cloud kernel has them.
SocketLayout layout_of_6_12() {
  SocketLayout layout;
  layout.source = "btf";
  layout.skc_v6_daddr = 56;
  layout.skc_v6_rcv_saddr = 72;
  layout.skc_net = 48;
  layout.sk_protocol = Member{574, 2};
  layout.sk_ack_backlog = Member{604, 4};
  layout.sk_max_ack_backlog = Member{608, 4};
  layout.inet_sport = Member{798, 2};
  layout.rcvq_space_time = Member{1872, 8};
  layout.srtt_us = Member{1728, 4};
  layout.has_mptcp = true;
  layout.mptcp_first = 1744;
  layout.net_ns_inum = 136;
  layout.socket_file = 16;
  layout.socket_sk = 24;
  return layout;
}

const std::vector<KernelSymbol> kAll{
    {"security_sock_graft", 0x1000}, {"__inet_accept", 0x2000}, {"inet_csk_accept", 0x3000}};

std::vector<ProbePlan> plans(const SocketLayout& layout) { return make_plans(layout, kAll, "").plans; }

TEST(ProbePlan, EntryProbeOnSockGraft) {
  const ProbePlan plan = plans(layout_of_6_12()).at(0);
  EXPECT_EQ(plan.name, "graft");
  EXPECT_EQ(plan.address, 0x1000u);
  ASSERT_EQ(plan.events.size(), 2u);
  EXPECT_EQ(plan.definition(plan.events[0], "tcpaccept", "x_tcp"),
            "p:tcpaccept/x_tcp security_sock_graft pf=+12($arg1):x64 d0=+56($arg1):x64 d1=+64($arg1):x64 "
            "s0=+72($arg1):x64 s1=+80($arg1):x64 sport=+798($arg1):u16 proto=+574($arg1):u16 "
            "netns=+136(+48($arg1)):u32 est=+1872($arg1):u64 srtt=+1728($arg1):u32 ahead=+604($arg1):u32 "
            "limit=+608($arg1):u32 kfile=+16($arg2):x64 comm=$comm");
  EXPECT_EQ(plan.events[0].filter, "proto==6 || proto==262");
  EXPECT_EQ(plan.definition(plan.events[1], "tcpaccept", "x_mptcp"),
            "p:tcpaccept/x_mptcp security_sock_graft pf=+12($arg1):x64 d0=+56($arg1):x64 d1=+64($arg1):x64 "
            "s0=+72($arg1):x64 s1=+80($arg1):x64 sport=+798($arg1):u16 proto=+574($arg1):u16 "
            "netns=+136(+48($arg1)):u32 est=+1872(+1744($arg1)):u64 srtt=+1728(+1744($arg1)):u32 "
            "ahead=+604(+1744($arg1)):u32 limit=+608(+1744($arg1)):u32 kfile=+16($arg2):x64 comm=$comm");
  EXPECT_EQ(plan.events[1].filter, "proto==262");
  EXPECT_EQ(plan.events[1].gate, (Gate{.argument = 1, .offset = 574, .value = 262})) << "nothing is fetched for plain TCP";
  EXPECT_EQ(plan.events[0].gate, std::nullopt);
  EXPECT_TRUE(plan.notes.empty());
}

TEST(ProbePlan, EntryProbeOnInetAccept) {
  const ProbePlan plan = plans(layout_of_6_12()).at(1);
  EXPECT_EQ(plan.name, "inet_accept");
  ASSERT_EQ(plan.events.size(), 2u);
  EXPECT_EQ(plan.definition(plan.events[0], "g", "e"),
            "p:g/e __inet_accept pf=+12($arg3):x64 d0=+56($arg3):x64 d1=+64($arg3):x64 s0=+72($arg3):x64 "
            "s1=+80($arg3):x64 sport=+798($arg3):u16 proto=+574($arg3):u16 netns=+136(+48($arg3)):u32 "
            "est=+1872($arg3):u64 srtt=+1728($arg3):u32 ahead=+604($arg3):u32 limit=+608($arg3):u32 "
            "left=+604(+24($arg1)):u32 lproto=+574(+24($arg1)):u16 kfile=+16($arg2):x64 comm=$comm");
  EXPECT_EQ(plan.events[1].gate, (Gate{.argument = 3, .offset = 574, .value = 262}));
}

TEST(ProbePlan, ReturnProbeIsTheLastResort) {
  const ProbePlan plan = plans(layout_of_6_12()).at(2);
  EXPECT_EQ(plan.name, "csk_accept");
  ASSERT_EQ(plan.events.size(), 1u);
  EXPECT_EQ(plan.definition(plan.events[0], "g", "e"),
            "r4096:g/e inet_csk_accept pf=+12($retval):x64 d0=+56($retval):x64 d1=+64($retval):x64 "
            "s0=+72($retval):x64 s1=+80($retval):x64 sport=+798($retval):u16 proto=+574($retval):u16 "
            "sk=$retval:x64 netns=+136(+48($retval)):u32 est=+1872($retval):u64 srtt=+1728($retval):u32 "
            "ahead=+604($retval):u32 limit=+608($retval):u32 comm=$comm");
  EXPECT_EQ(plan.events[0].filter, "sk!=0 && proto==6");
  EXPECT_EQ(plan.notes.size(), 1u);
}

TEST(ProbePlan, WithoutBtfTheFamilyIsTheFilter) {
  const std::vector<ProbePlan> all = plans(default_socket_layout());
  ASSERT_EQ(all.size(), 3u);
  ASSERT_EQ(all[0].events.size(), 1u);
  EXPECT_EQ(all[0].definition(all[0].events[0], "g", "e"),
            "p:g/e security_sock_graft pf=+12($arg1):x64 d0=+56($arg1):x64 d1=+64($arg1):x64 s0=+72($arg1):x64 "
            "s1=+80($arg1):x64 v4=+0($arg1):x64 family=+16($arg1):u16 comm=$comm");
  EXPECT_EQ(all[0].events[0].filter, "family==2 || family==10");
  EXPECT_EQ(all[2].events[0].filter, "sk!=0 && (family==2 || family==10)");
  EXPECT_EQ(all[0].notes.size(), 1u);
}

TEST(ProbePlan, NoMptcpNoSecondEvent) {
  SocketLayout layout = layout_of_6_12();
  layout.has_mptcp = false;
  layout.mptcp_first.reset();
  EXPECT_EQ(plans(layout)[0].events.size(), 1u);
  // MPTCP whose subflow cannot be reached is still seen, without what only the subflow knows.
  layout.has_mptcp = true;
  const ProbePlan plan = plans(layout)[0];
  ASSERT_EQ(plan.events.size(), 2u);
  EXPECT_EQ(plan.events[1].arguments.find("est="), std::string::npos);
  EXPECT_NE(plan.events[1].arguments.find("netns="), std::string::npos);
}

TEST(ProbePlan, StaysWithinTheKernelsLimits) {
  for (const SocketLayout& layout : {layout_of_6_12(), default_socket_layout()}) {
    for (const ProbePlan& plan : plans(layout)) {
      for (const EventPlan& event : plan.events) {
        EXPECT_LT(plan.definition(event, "tcpaccept", std::string(63, 'x')).size(), 4095u);
        std::istringstream words{event.arguments};
        std::set<std::string> names;
        for (std::string word; words >> word;) {
          const std::string name = word.substr(0, word.find('='));
          EXPECT_LT(name.size(), 32u);
          EXPECT_TRUE(names.insert(name).second) << name;
          EXPECT_EQ(word.find('['), std::string::npos) << "arrays: " << word;
        }
        EXPECT_LE(names.size(), 128u);
      }
    }
  }
}

TEST(ProbePlan, ChoosesBySymbolAndSaysWhyNot) {
  const PlanChoice choice = make_plans(layout_of_6_12(), {kAll[0], kAll[2]}, "");
  ASSERT_EQ(choice.plans.size(), 2u);
  EXPECT_EQ(choice.plans[0].name, "graft");
  EXPECT_EQ(choice.plans[1].name, "csk_accept");
  EXPECT_EQ(choice.passed, (std::vector<PassedPlan>{{"inet_accept", "this kernel has no __inet_accept"}}));

  EXPECT_TRUE(make_plans(layout_of_6_12(), {}, "").plans.empty());
  EXPECT_EQ(make_plans(layout_of_6_12(), {}, "").passed.size(), 3u);
}

TEST(ProbePlan, ForcedPlan) {
  const PlanChoice choice = make_plans(layout_of_6_12(), kAll, "csk_accept");
  ASSERT_EQ(choice.plans.size(), 1u);
  EXPECT_EQ(choice.plans[0].name, "csk_accept");
  EXPECT_TRUE(choice.passed.empty());
  EXPECT_THROW(make_plans(layout_of_6_12(), kAll, "nosuch"), Error);
}

TEST(ProbeSymbols, TakesExactTextSymbolsOfTheKernelOnly) {
  std::istringstream kallsyms{
      "0000000000000000 A fixed_percpu_data\n"
      "ffffffff81000010 T security_sock_graft_other\n"
      "ffffffff81000020 T security_sock_graft\n"
      "ffffffff81000030 t __inet_accept.cold\n"
      "ffffffff81000040 D inet_csk_accept\n"
      "x\n"
      "\n"
      "ffffffff81000050 t __inet_accept\n"
      "ffffffffc0000000 t inet_csk_accept\t[other]\n"
      "ffffffffc0000010 T inet_csk_accept\n"};
  EXPECT_EQ(find_probe_symbols(kallsyms), (std::vector<KernelSymbol>{{"security_sock_graft", 0xffffffff81000020},
                                                                     {"__inet_accept", 0xffffffff81000050}}));
}

TEST(ProbeSymbols, HiddenAddressesAreZero) {
  std::istringstream kallsyms{"0000000000000000 T inet_csk_accept\n"};
  EXPECT_EQ(find_probe_symbols(kallsyms), (std::vector<KernelSymbol>{{"inet_csk_accept", 0}}));
}

}  // namespace
}  // namespace tcpaccept::kernel
