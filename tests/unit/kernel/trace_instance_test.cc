#include "kernel/trace_instance.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "fake_tree.h"
#include "kernel/host_facts.h"
#include "kernel/probe.h"

namespace tcpaccept::kernel {
namespace {

TEST(TraceInstance, MasksOfCpus) {
  EXPECT_EQ(cpu_mask({}), "0");
  EXPECT_EQ(cpu_mask({0}), "1");
  EXPECT_EQ(cpu_mask({1, 4, 31}), "80000012");
  EXPECT_EQ(cpu_mask({0, 33}), "2,00000001");
  EXPECT_EQ(cpu_mask({95}), "80000000,00000000,00000000");
}

TEST(TraceInstance, LeavesNothingWhenItCannotBeSetUp) {
  test::FakeTree tree;
  tree.make_dir("tracing/instances");
  TraceInstance instance{tree.path("tracing"), "tcpaccept/x"};
  EXPECT_TRUE(instance.remove());
  EXPECT_THROW(instance.open(1), Error);  // a directory that no kernel fills
  EXPECT_FALSE(std::filesystem::exists(tree.path("tracing/instances/x")));
}

TEST(TraceInstance, OnlyThoseOfRecordersThatAreGoneAreSwept) {
  test::FakeTree tree;
  tree.write("proc/self/ns/pid", "");
  tree.write("proc/7/stat", "7 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 500 0");
  const std::uint64_t ours = pid_namespace(tree.paths());
  const auto name = [&](std::uint32_t pid, std::uint64_t start, std::uint64_t in) {
    return "tracing/instances/" + probe_name({.pid = pid, .start_ticks = start, .pid_namespace = in}, 1) + "_tcp";
  };
  const std::vector<std::string> kept = {name(7, 500, ours), name(8, 1, ours + 1), "tracing/instances/p8_of_others"};
  const std::vector<std::string> gone = {name(8, 1, ours), name(7, 499, ours)};
  for (const auto& names : {kept, gone}) {
    for (const std::string& one : names) tree.make_dir(one);
  }
  sweep_stale_instances(tree.path("tracing"), tree.paths());
  for (const std::string& one : kept) EXPECT_TRUE(std::filesystem::exists(tree.path(one))) << one;
  for (const std::string& one : gone) EXPECT_FALSE(std::filesystem::exists(tree.path(one))) << one;
}

}  // namespace
}  // namespace tcpaccept::kernel
