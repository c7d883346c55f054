#include "record/known.h"

#include <gtest/gtest.h>

#include <map>

namespace tcpaccept::record {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Listener listener(std::uint32_t pid, std::uint64_t cgroup) {
  Listener one;
  one.pid = pid;
  one.cgroup = cgroup;
  return one;
}

class KnownTest : public testing::Test {
 protected:
  std::map<std::uint32_t, std::uint32_t> processes{{7, 1}, {8, 2}};
  std::map<std::uint64_t, std::string> cgroups{{70, "/a"}};
  int asked = 0;
  Known known{{.nspid = [this](std::uint32_t pid) { ++asked; return processes[pid]; },
               .cgroup_path = [this](std::uint64_t id, std::uint32_t) { ++asked; return cgroups[id]; }}};
};

TEST_F(KnownTest, LooksUpOnceASecond) {
  for (std::uint64_t now : {kSecond, kSecond + 1, 2 * kSecond - 1}) {
    known.set_now(now);
    known.see(listener(7, 70));
    known.see(listener(7, 70));
  }
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(known.nspid(7), 1u);
  EXPECT_EQ(known.cgroup_path(70), "/a");
  processes[7] = 5;  // the number went to another process
  known.set_now(2 * kSecond);
  known.see(listener(7, 70));
  EXPECT_EQ(known.nspid(7), 5u);
  EXPECT_EQ(asked, 3) << "the path of a cgroup does not change";
}

TEST_F(KnownTest, AProcessThatIsGoneKeepsWhatIsKnownOfIt) {
  known.set_now(kSecond);
  known.see(listener(7, 0));
  processes.clear();
  known.set_now(5 * kSecond);
  known.see(listener(7, 0));
  EXPECT_EQ(known.nspid(7), 1u);
}

TEST_F(KnownTest, WhatIsNotKnownIsAskedForAgainAndNeverGuessed) {
  known.set_now(kSecond);
  known.see(listener(9, 90));
  EXPECT_EQ(known.nspid(9), 0u);
  EXPECT_EQ(known.cgroup_path(90), "");
  EXPECT_EQ(known.nspid(10), 0u) << "never seen";
  cgroups[90] = "/late";
  known.set_now(2 * kSecond);
  known.see(listener(9, 90));
  EXPECT_EQ(known.cgroup_path(90), "/late");
}

TEST_F(KnownTest, TellsTheRawLogWhatIsNew) {
  known.set_now(kSecond);
  known.see(listener(7, 70));
  known.see(listener(8, 90));
  ASSERT_EQ(known.take_new_processes().size(), 2u);
  const auto paths = known.take_new_cgroups();
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0], (capture::CgroupPath{70, "/a"}));
  known.set_now(3 * kSecond);
  known.see(listener(7, 70));
  EXPECT_TRUE(known.take_new_processes().empty()) << "it is still the same";

  Known other{{}};
  other.learn(KnownProcess{7, 1});
  other.learn(paths[0]);
  other.see(listener(7, 70));
  EXPECT_EQ(other.nspid(7), 1u);
  EXPECT_EQ(other.cgroup_path(70), "/a");
}

}  // namespace
}  // namespace tcpaccept::record
