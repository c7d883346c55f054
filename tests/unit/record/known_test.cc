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
  std::map<std::uint32_t, std::uint32_t> processes_{{7, 1}, {8, 2}};
  std::map<std::uint64_t, std::string> cgroups_{{70, "/a"}};
  int asked_ = 0;
  Known known_{{.nspid = [this](std::uint32_t pid) { ++asked_; return processes_[pid]; },
               .cgroup_path = [this](std::uint64_t id, std::uint32_t) { ++asked_; return cgroups_[id]; }}};
};

TEST_F(KnownTest, LooksUpOnceASecond) {
  for (std::uint64_t now : {kSecond, kSecond + 1, 2 * kSecond - 1}) {
    known_.set_now(now);
    known_.see(listener(7, 70));
    known_.see(listener(7, 70));
  }
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(known_.nspid(7), 1u);
  EXPECT_EQ(known_.cgroup_path(70), "/a");
  processes_[7] = 5;  // the number went to another process
  known_.set_now(2 * kSecond);
  known_.see(listener(7, 70));
  EXPECT_EQ(known_.nspid(7), 5u);
  EXPECT_EQ(asked_, 3) << "the path of a cgroup does not change";
}

TEST_F(KnownTest, OfAProcessThatIsGoneNothingOldIsTold) {
  known_.set_now(kSecond);
  known_.see(listener(7, 0));
  processes_.clear();
  known_.set_now(2 * kSecond - 1);
  known_.see(listener(7, 0));
  EXPECT_EQ(known_.nspid(7), 1u) << "a moment ago it was there";
  known_.set_now(5 * kSecond);
  known_.see(listener(7, 0));
  EXPECT_EQ(known_.nspid(7), 0u) << "this may be another one";
}

TEST_F(KnownTest, WhatIsNotKnownIsAskedForAgainAndNeverGuessed) {
  known_.set_now(kSecond);
  known_.see(listener(9, 90));
  EXPECT_EQ(known_.nspid(9), 0u);
  EXPECT_EQ(known_.cgroup_path(90), "");
  EXPECT_EQ(known_.nspid(10), 0u) << "never seen";
  cgroups_[90] = "/late";
  known_.set_now(2 * kSecond);
  known_.see(listener(9, 90));
  EXPECT_EQ(known_.cgroup_path(90), "/late");
}

TEST_F(KnownTest, TellsTheRawLogWhatIsNew) {
  known_.set_now(kSecond);
  known_.see(listener(7, 70));
  known_.see(listener(8, 90));
  ASSERT_EQ(known_.take_new_processes().size(), 2u);
  const auto paths = known_.take_new_cgroups();
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0], (capture::CgroupPath{70, "/a"}));
  known_.set_now(3 * kSecond);
  known_.see(listener(7, 70));
  EXPECT_TRUE(known_.take_new_processes().empty()) << "it is still the same";

  Known other{{}};
  other.learn(KnownProcess{7, 1});
  other.learn(paths[0]);
  other.see(listener(7, 70));
  EXPECT_EQ(other.nspid(7), 1u);
  EXPECT_EQ(other.cgroup_path(70), "/a");
}

}  // namespace
}  // namespace tcpaccept::record
