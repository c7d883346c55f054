#include "kernel/host_facts.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "fake_tree.h"

namespace tcpaccept::kernel {
namespace {

using Cpus = std::vector<std::uint16_t>;

TEST(CpuList, RangesAndSingles) {
  EXPECT_EQ(parse_cpu_list("0-3,5\n"), (Cpus{0, 1, 2, 3, 5}));
  EXPECT_EQ(parse_cpu_list("7"), (Cpus{7}));
  EXPECT_EQ(parse_cpu_list(""), Cpus{});
  EXPECT_EQ(parse_cpu_list("\n"), Cpus{});
  EXPECT_EQ(parse_cpu_list("x"), Cpus{});
  EXPECT_EQ(parse_cpu_list("1,3-2"), (Cpus{1}));
  EXPECT_EQ(parse_cpu_list("1,2-"), (Cpus{1}));
  EXPECT_EQ(parse_cpu_list("0-4294967295"), Cpus{});
  EXPECT_EQ(parse_cpu_list("0-99999999999999999999"), Cpus{});
  EXPECT_EQ(parse_stat_cpus("cpu  1 2\ncpu0 1 2\ncpu12 3 4\nintr 5\ncpu7\n"), (Cpus{0, 12}));
  EXPECT_EQ(parse_stat_cpus("cpu0"), Cpus{0});
  EXPECT_EQ(parse_stat_cpus(""), Cpus{});
}

TEST(OsRelease, PrettyName) {
  EXPECT_EQ(pretty_name("NAME=\"x\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"),
            "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(pretty_name("PRETTY_NAME=Plain"), "Plain");
  EXPECT_EQ(pretty_name("PRETTY_NAME='single'\n"), "single");
  EXPECT_EQ(pretty_name("PRETTY_NAME=\"a \\\"b\\\" \\$\"\n"), "a \"b\" $");
  EXPECT_EQ(pretty_name("PRETTY_NAME="), "");
  EXPECT_EQ(pretty_name("PRETTY_NAME=\""), "\"");
  EXPECT_EQ(pretty_name("NAME=x"), "");
}

TEST(HostFacts, ReadsItsPaths) {
  test::FakeTree tree;
  tree.write("os-release", "PRETTY_NAME=\"Test 1\"\n");
  tree.write("proc/sys/kernel/random/boot_id", "0a1b-2c3d\n");
  tree.write("online", "0-2\n");
  const HostFacts facts = read_host_facts(tree.paths());
  EXPECT_EQ(facts.distribution, "Test 1");
  EXPECT_EQ(facts.boot_id, "0a1b-2c3d");
  EXPECT_EQ(facts.cpus, 3u);
  EXPECT_FALSE(facts.host.empty());
  EXPECT_FALSE(facts.kernel.empty());
  EXPECT_FALSE(facts.machine.empty());
}

TEST(HostFacts, WhatCannotBeReadIsEmpty) {
  test::FakeTree tree;
  const HostFacts facts = read_host_facts(tree.paths());
  EXPECT_EQ(facts.distribution, "");
  EXPECT_EQ(facts.boot_id, "");
  EXPECT_GE(facts.cpus, 1u);
}

TEST(PidKind, ProcessThreadAndNone) {
  EXPECT_EQ(pid_kind(::getpid()), PidKind::kProcess);
  EXPECT_EQ(pid_kind(0), PidKind::kNone);
  EXPECT_EQ(pid_kind(-1), PidKind::kNone);
  EXPECT_EQ(pid_kind(0x7fffffff), PidKind::kNone);

  std::atomic<pid_t> tid{0};
  std::atomic<bool> done{false};
  std::thread thread{[&] {
    tid = static_cast<pid_t>(::syscall(SYS_gettid));
    while (!done) std::this_thread::yield();
  }};
  while (tid == 0) std::this_thread::yield();
  EXPECT_EQ(pid_kind(tid), PidKind::kThread);
  EXPECT_EQ(process_of(tid), ::getpid());
  done = true;
  thread.join();
}

TEST(ProcessStart, IsThatOfTheProcess) {
  const auto ticks = process_start_ticks(::getpid());
  ASSERT_TRUE(ticks);
  EXPECT_GT(*ticks, 0u);
  EXPECT_EQ(process_start_ticks(0x7fffffff), std::nullopt);
  test::FakeTree tree;
  for (const char* text : {"", "5", "5 (x", "5 (x) S 1 2", "5 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 y"}) {
    tree.write("proc/5/stat", text);
    EXPECT_EQ(process_start_ticks(5, tree.paths()), std::nullopt) << text;
  }
}

TEST(Cgroups, WhetherPerfIsToldOfThem) {
  test::FakeTree tree;
  EXPECT_FALSE(perf_cgroups_are_idle(tree.paths())) << "cannot be seen";
  tree.write("cgroup/cgroup.subtree_control", "\n");
  EXPECT_TRUE(perf_cgroups_are_idle(tree.paths()));
  tree.write("cgroup/cgroup.subtree_control", "cpu pids\n");
  EXPECT_FALSE(perf_cgroups_are_idle(tree.paths()));
  tree.write("cgroup/cgroup.subtree_control", "");
  tree.write("cgroup/cgroup.events", "populated 1\n");
  EXPECT_FALSE(perf_cgroups_are_idle(tree.paths())) << "that of a container";
}

TEST(Cgroups, OnWhichHierarchyPerfIs) {
  test::FakeTree tree;
  EXPECT_FALSE(perf_cgroups_are_v1(tree.paths()));
  for (const char* text : {"0::/\n", "0::/perf_event:/x\n", "1:cpu,cpuacct:/perf_event\n0::/\n", "2:name=perf_event:/\n", "2:perf_event_x:/\n"}) {
    tree.write("proc/self/cgroup", text);
    EXPECT_FALSE(perf_cgroups_are_v1(tree.paths())) << text;
  }
  for (const char* text : {"4:perf_event:/docker\n0::/\n", "5:a:/\n4:net_cls,perf_event:/\n", "4:perf_event,x:/\n"}) {
    tree.write("proc/self/cgroup", text);
    EXPECT_TRUE(perf_cgroups_are_v1(tree.paths())) << text;
  }
}

TEST(Namespaces, ThatChildrenGetInto) {
  EXPECT_EQ(foreign_children(), "");
  test::FakeTree tree;
  EXPECT_EQ(foreign_children(tree.paths()), "");
  tree.write("proc/self/ns/pid", "");
  const auto link = [&](const char* target, const char* name) {
    std::filesystem::remove(tree.path(name));
    std::filesystem::create_symlink(tree.path(target), tree.path(name));
  };
  link("proc/self/ns/pid", "proc/self/ns/pid_for_children");
  EXPECT_EQ(foreign_children(tree.paths()), "");
  tree.write("proc/self/ns/time", "");
  tree.write("proc/self/ns/time_for_children", "");
  EXPECT_EQ(foreign_children(tree.paths()), "time");
  link("absent", "proc/self/ns/pid_for_children");
  EXPECT_EQ(foreign_children(tree.paths()), "pid");
}

TEST(PidNamespace, IsEmptyOnlyWhereAllProcessesAreSeen) {
  test::FakeTree tree;
  const KernelPaths paths = tree.paths();
  // A regular file plays a namespace: process 1 and we are in the first, 7 in another, the child of 8 will be in a
  // third.
  for (const char* name : {"first", "other", "later", "gone"}) tree.write(name, "");
  const auto inode = [&](const char* name) {
    struct stat status {};
    EXPECT_EQ(::stat(tree.path(name).c_str(), &status), 0);
    return static_cast<std::uint64_t>(status.st_ino);
  };
  const auto put = [&](const std::string& process, const char* pid, const char* children) {
    tree.make_dir("proc/" + process + "/ns");
    std::filesystem::create_symlink(tree.path(pid), tree.path("proc/" + process + "/ns/pid"));
    std::filesystem::create_symlink(tree.path(children), tree.path("proc/" + process + "/ns/pid_for_children"));
  };
  const std::uint64_t first = inode("first");
  put("self", "first", "first");
  EXPECT_FALSE(pid_namespace_is_empty(inode("gone"), paths, first)) << "process 1 is hidden";
  put("1", "first", "first");
  put("7", "other", "other");
  put("8", "first", "later");
  tree.make_dir("proc/9");  // has ended
  tree.make_dir("proc/bus");
  EXPECT_TRUE(pid_namespace_is_empty(inode("gone"), paths, first));
  EXPECT_FALSE(pid_namespace_is_empty(inode("other"), paths, first));
  EXPECT_FALSE(pid_namespace_is_empty(inode("later"), paths, first));
  EXPECT_FALSE(pid_namespace_is_empty(first, paths, first));
  EXPECT_FALSE(pid_namespace_is_empty(0, paths, first));
  EXPECT_FALSE(pid_namespace_is_empty(inode("gone"), paths, inode("other"))) << "we are not in the first";
}

TEST(Pidfd, BecomesReadableWhenTheProcessEnds) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const UniqueFd fd = open_pidfd(child);
  if (!fd.valid() && errno == ENOSYS) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    GTEST_SKIP() << "this kernel has no pidfd_open";
  }
  ASSERT_TRUE(fd.valid());
  pollfd wait{.fd = fd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&wait, 1, 0), 0);
  ::kill(child, SIGKILL);
  EXPECT_EQ(::poll(&wait, 1, 10'000), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(open_pidfd(child).valid());
  EXPECT_EQ(errno, ESRCH);
}

}  // namespace
}  // namespace tcpaccept::kernel
