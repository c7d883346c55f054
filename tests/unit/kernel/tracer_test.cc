// What the tracer says when it cannot trace. That it does trace is proved on real kernels in the test VM.
#include "kernel/tracer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "core/error.h"
#include "fake_tree.h"

namespace tcpaccept::kernel {
namespace {

std::string error_of(const test::FakeTree& tree, const std::string& plan = "",
                     std::uint64_t ring_bytes = kDefaultRingBytes) {
  try {
    Tracer tracer{{.ring_bytes = ring_bytes, .plan = plan, .paths = tree.paths()}};
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Tracer, KernelWithoutTheSymbols) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  tree.write("kallsyms", "ffffffff81000020 T something_else\n");
  const std::string error = error_of(tree);
  EXPECT_TRUE(contains(error, "no probe works on this kernel")) << error;
  EXPECT_TRUE(contains(error, "plan graft: this kernel has no security_sock_graft")) << error;
  EXPECT_TRUE(contains(error, "plan inet_accept: this kernel has no __inet_accept")) << error;
  EXPECT_TRUE(contains(error, "plan csk_accept: this kernel has no inet_csk_accept")) << error;
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "");
}

TEST(Tracer, SaysWhenProbesAreSwitchedOff) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  tree.write("kallsyms", "ffffffff81000020 T security_sock_graft\n");
  tree.write("proc/sys/kernel/ftrace_enabled", "0\n");
  EXPECT_TRUE(contains(error_of(tree), "kernel.ftrace_enabled is 0"));
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "");
}

TEST(Tracer, ForcedPlanThatIsNotThere) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  tree.write("kallsyms", "ffffffff81000020 T security_sock_graft\n");
  EXPECT_EQ(error_of(tree, "inet_accept"),
            "this kernel has no __inet_accept; try without --plan");
  EXPECT_TRUE(contains(error_of(tree, "nosuch"), "no probe plan \"nosuch\""));
}

TEST(Tracer, RemovesEveryProbeOfPlansThatFailed) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");  // takes everything, but the events never appear
  tree.write("kallsyms", "ffffffff81000020 T security_sock_graft\nffffffff81000030 T inet_csk_accept\n");
  const std::string error = error_of(tree);
  EXPECT_TRUE(contains(error, "plan graft: cannot read ")) << error;
  const std::string commands = tree.read("tracing/kprobe_events");
  EXPECT_TRUE(contains(commands, "p:tcpaccept/")) << commands;
  EXPECT_TRUE(contains(commands, "r4096:tcpaccept/")) << commands;
  std::size_t added = 0;
  std::size_t removed = 0;
  for (std::size_t at = 0; at < commands.size(); at = commands.find('\n', at) + 1) {
    (commands[at] == '-' ? removed : added)++;
  }
  EXPECT_EQ(added, 2u);
  EXPECT_EQ(removed, 2u);
}

// UndefinedBehaviorSanitizer asks the kernel by a pipe whether an object can be read: without descriptors all look wrong.
#ifndef __SANITIZE_ADDRESS__
// Lowers the limit on open files of this process, for good: to be called in a child.
std::string error_with_files(const test::FakeTree& tree, rlim_t limit) {
  const rlimit files{limit, limit};
  return ::setrlimit(RLIMIT_NOFILE, &files) == 0 ? error_of(tree) : "setrlimit";
}

TEST(Tracer, FewDescriptorsAreSaidToBeFew) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  tree.write("kallsyms", "ffffffff81000020 T security_sock_graft\n");
  for (rlim_t limit = 4; limit < 20; ++limit) {
    EXPECT_EXIT(
        {
          const std::string error = error_with_files(tree, limit);
          std::fprintf(stderr, "%s", error.c_str());
          std::_Exit(0);
        },
        ::testing::ExitedWithCode(0),
        "^cannot set up a probe: Too many open files; raise the limit on open files .ulimit -n.$")
        << limit;
  }
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "");
}
#endif

TEST(Tracer, AWrongRingSizeIsSaidBeforeAnythingIsTouched) {
  test::FakeTree tree;
  EXPECT_TRUE(contains(error_of(tree, "", std::uint64_t{1} << 40), "too large"));
}

}  // namespace
}  // namespace tcpaccept::kernel
