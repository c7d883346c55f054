#include "kernel/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_tree.h"
#include "kernel/host_facts.h"

namespace tcpaccept::kernel {
namespace {

TEST(Identity, PidInTheInnermostNamespace) {
  test::FakeTree tree;
  tree.write("proc/10/status", "Name:\tx\nTgid:\t10\nNSpid:\t10\t4\t1\n");
  tree.write("proc/11/status", "Name:\tx\nNSpid:\t11\n");
  tree.write("proc/12/status", "Name:\tan old kernel\n");
  tree.write("proc/13/status", "NSpid:\tnonsense\n");
  EXPECT_EQ(nspid_of(10, tree.paths()), 1u);
  EXPECT_EQ(nspid_of(11, tree.paths()), 11u);
  EXPECT_EQ(nspid_of(12, tree.paths()), 0u);
  EXPECT_EQ(nspid_of(13, tree.paths()), 0u);
  EXPECT_EQ(nspid_of(99, tree.paths()), 0u);
  EXPECT_NE(nspid_of(static_cast<std::uint32_t>(::getpid())), 0u);
}

std::uint64_t inode(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

TEST(Identity, CgroupsByTheProcessAndByTheTree) {
  test::FakeTree tree;
  tree.write("cgroup/cgroup.controllers", "");
  tree.make_dir("cgroup/a.slice/b.service");
  tree.make_dir("cgroup/c");
  tree.write("proc/10/cgroup", "4:memory:/elsewhere\n0::/a.slice/b.service\n");
  tree.write("proc/11/cgroup", "0::/c\n");
  CgroupTree cgroups{tree.paths()};
  const std::uint64_t b = inode(tree.path("cgroup/a.slice/b.service"));
  EXPECT_EQ(cgroups.path_of(b, 10), "/a.slice/b.service");
  EXPECT_EQ(cgroups.path_of(inode(tree.path("cgroup/c")), 11), "/c");
  // The process has moved on, or is gone.
  EXPECT_EQ(cgroups.path_of(b, 11), "/a.slice/b.service");
  // Searched at most once a second.
  EXPECT_EQ(cgroups.path_of(inode(tree.path("cgroup/a.slice")), 11), "");
}

TEST(Identity, RootAndUnknownCgroups) {
  test::FakeTree tree;
  tree.write("cgroup/cgroup.controllers", "");
  EXPECT_EQ(CgroupTree{tree.paths()}.path_of(inode(tree.path("cgroup")), 99), "/");
  EXPECT_EQ(CgroupTree{tree.paths()}.path_of(~std::uint64_t{0}, 99), "");
}

TEST(Identity, CgroupVersion1Only) {
  test::FakeTree tree;
  tree.make_dir("cgroup/memory");
  EXPECT_EQ(CgroupTree{tree.paths()}.path_of(inode(tree.path("cgroup/memory")), 1), "");
}

TEST(Identity, HybridHostsHaveVersion2Below) {
  test::FakeTree tree;
  tree.write("cgroup/unified/cgroup.controllers", "");
  tree.make_dir("cgroup/unified/x");
  tree.write("proc/5/cgroup", "0::/x\n");
  EXPECT_EQ(CgroupTree{tree.paths()}.path_of(inode(tree.path("cgroup/unified/x")), 5), "/x");
}

TEST(Identity, ThreadsThatWaitInAFunction) {
  test::FakeTree tree;
  EXPECT_EQ(threads_waiting_in("inet_csk_accept", tree.paths()), std::nullopt);
  tree.write("proc/10/task/10/wchan", "0");
  EXPECT_EQ(threads_waiting_in("inet_csk_accept", tree.paths()), std::nullopt) << "0 stands for not shown, too";
  tree.write("proc/10/task/11/wchan", "inet_csk_accept");
  tree.write("proc/20/task/20/wchan", "inet_csk_accept");
  tree.write("proc/20/task/21/wchan", "do_epoll_wait");
  tree.write("proc/self/task/10/wchan", "inet_csk_accept");
  EXPECT_EQ(threads_waiting_in("inet_csk_accept", tree.paths()), 2u);
  EXPECT_EQ(threads_waiting_in("futex_wait", tree.paths()), 0u);
  tree.write("proc/30/task/30/wchan", "0");
  tree.write("proc/30/task/30/stack", "[<0>] inet_csk_accept+0x1b5/0x2a0\n[<0>] inet_accept+0x43/0x150\n");
  EXPECT_EQ(threads_waiting_in("inet_csk_accept", tree.paths()), 3u);
  EXPECT_EQ(threads_waiting_in("csk_accept", tree.paths()), 0u) << "whole names only";
}

}  // namespace
}  // namespace tcpaccept::kernel
