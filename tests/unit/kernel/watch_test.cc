#include "kernel/watch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <fstream>

#include "fake_tree.h"

namespace tcpaccept::kernel {
namespace {

// In place, as a write to a kernel's file is.
void rewrite(const std::string& path, const char* text) { std::ofstream{path, std::ios::in | std::ios::out} << text; }

bool ready(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

TEST(SwitchWatch, EitherSwitchIsNamedWithItsRemedy) {
  test::FakeTree tree;
  tree.write("proc/sys/kernel/ftrace_enabled", "1\n");
  tree.write("kprobes_enabled", "1\n");
  SwitchWatch watch{tree.paths()};
  bool touched = true;
  EXPECT_EQ(watch.look(touched), "");
  EXPECT_FALSE(touched);
  EXPECT_FALSE(ready(watch.fd()));

  rewrite(tree.path("proc/sys/kernel/ftrace_enabled"), "0");
  EXPECT_TRUE(ready(watch.fd()));
  EXPECT_EQ(watch.look(touched),
            "kernel.ftrace_enabled is 0, so no probe delivers anything; switch it on with \"sysctl "
            "kernel.ftrace_enabled=1\"");
  EXPECT_TRUE(touched);
  rewrite(tree.path("proc/sys/kernel/ftrace_enabled"), "1");
  rewrite(tree.path("kprobes_enabled"), "0");
  EXPECT_EQ(watch.look(touched).find(tree.path("kprobes_enabled") + " is 0"), 0u);
}

TEST(SwitchWatch, OffAndOnAgainBetweenTwoLooksIsNoticed) {
  test::FakeTree tree;
  tree.write("proc/sys/kernel/ftrace_enabled", "1\n");
  SwitchWatch watch{tree.paths()};
  rewrite(tree.path("proc/sys/kernel/ftrace_enabled"), "0");
  rewrite(tree.path("proc/sys/kernel/ftrace_enabled"), "1");
  bool touched = false;
  EXPECT_EQ(watch.look(touched), "");
  EXPECT_TRUE(touched);
  EXPECT_EQ(watch.look(touched), "");
  EXPECT_FALSE(touched);
}

TEST(SwitchWatch, AKernelWithoutSwitches) {
  test::FakeTree tree;
  SwitchWatch watch{tree.paths()};
  bool touched = true;
  EXPECT_EQ(watch.look(touched), "");
  EXPECT_FALSE(touched);
}

TEST(CpuWatch, AListThatChanges) {
  test::FakeTree tree;
  tree.write("online", "0-1\n");
  CpuWatch watch{tree.paths()};
  EXPECT_FALSE(watch.changed());
  EXPECT_EQ(watch.online(), (std::vector<std::uint16_t>{0, 1}));
  rewrite(tree.path("online"), "0,2\n");
  EXPECT_TRUE(watch.changed());
  EXPECT_EQ(watch.online(), (std::vector<std::uint16_t>{0, 2}));
  EXPECT_FALSE(watch.changed());
}

TEST(CpuWatch, WithoutSysfsProcTells) {
  test::FakeTree tree;
  const std::string interrupts = "intr " + std::string(10'000, '7') + "\n";
  tree.write("proc/stat", "cpu  9 9\ncpu0 4 4\ncpu3 5 5\n" + interrupts);
  CpuWatch watch{tree.paths()};
  EXPECT_EQ(watch.online(), (std::vector<std::uint16_t>{0, 3}));
  tree.write("proc/stat", "cpu  9 9\ncpu0 8 8\ncpu3 9 9\n" + interrupts);
  EXPECT_FALSE(watch.changed());  // only their times
  tree.write("proc/stat", "cpu  9 9\ncpu0 8 8\n" + interrupts);
  EXPECT_TRUE(watch.changed());
  EXPECT_EQ(watch.online(), (std::vector<std::uint16_t>{0}));
  EXPECT_EQ(watch.present(), (std::vector<std::uint16_t>{0, 3}));
}

}  // namespace
}  // namespace tcpaccept::kernel
