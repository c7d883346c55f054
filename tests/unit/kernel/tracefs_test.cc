#include "kernel/tracefs.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "core/error.h"
#include "fake_tree.h"

namespace tcpaccept::kernel {
namespace {

std::string error_of(const KernelPaths& paths) {
  try {
    Tracefs tracefs{paths};
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(KprobeEvents, LinesOfEveryKind) {
  EXPECT_EQ(parse_kprobe_events("p:tcpaccept/a_tcp security_sock_graft pf=+12($arg1):x64\n"
                                "r4096:kprobes/b inet_csk_accept arg1=$retval\n"
                                "p:other/c tcp_close+4\n"
                                "\n"
                                "p:no_place/d\n"
                                "nonsense\n"
                                "p:last/e f"),
            (std::vector<ProbeLine>{{"tcpaccept", "a_tcp", "security_sock_graft"},
                                    {"kprobes", "b", "inet_csk_accept"},
                                    {"other", "c", "tcp_close+4"},
                                    {"last", "e", "f"}}));
  EXPECT_TRUE(parse_kprobe_events("").empty());
}

TEST(KprobeProfile, FindsTheEventByItsWholeName) {
  const std::string text =
      "  a_tcp_longer                                               5               6\n"
      "  a_tcp                                                   1234              17\n";
  EXPECT_EQ(parse_kprobe_profile(text, "a_tcp"), (ProbeProfile{1234, 17}));
  EXPECT_EQ(parse_kprobe_profile(text, "a_tc"), std::nullopt);
  EXPECT_EQ(parse_kprobe_profile("  a_tcp 12\n", "a_tcp"), std::nullopt);
  EXPECT_EQ(parse_kprobe_profile("  a_tcp x y\n", "a_tcp"), std::nullopt);
}

TEST(ErrorLog, BecomesOneLineWithThePlace) {
  const std::string entry =
      "[ 1501.123] trace_kprobe: error: Unknown type is specified\n"
      "  Command: p:a/b foo pf=+1($arg1):q8 x=1\n"
      "                                  ^\n";
  EXPECT_EQ(summarize_error_log(entry, "a/b"), "Unknown type is specified, at \"q8\"");
  EXPECT_EQ(summarize_error_log(entry, "other"), "");
  EXPECT_EQ(summarize_error_log("", ""), "");
  EXPECT_EQ(summarize_error_log("[ 1.0] x: error: Bad\n  Command: p:a/b\n", "a/b"), "Bad");
  const std::string far = "[ 1.0] x: error: Bad\n  Command: p:a/b\n" + std::string(400, ' ') + "^\n";
  EXPECT_EQ(summarize_error_log(far, "a/b"), "Bad");
}

TEST(Tracefs, WithoutProcItSaysThatProcIsMissing) {
  const test::FakeTree tree;
  KernelPaths paths = tree.paths();
  paths.tracefs.clear();
  EXPECT_EQ(error_of(paths), "cannot read " + paths.proc + "/mounts, which says where tracefs is mounted: No such file "
                             "or directory; mount it with \"mount -t proc proc " + paths.proc + "\"");
}

TEST(Tracefs, AppendsAndReads) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "p:other/x tcp_close\n");
  tree.write("tracing/events/tcpaccept/e/id", "1557\n");
  tree.write("tracing/events/tcpaccept/e/format", "name: e\n");
  tree.write("tracing/events/tcpaccept/bad/id", "none\n");
  tree.write("tracing/kprobe_profile", "  e   7   3\n");
  const Tracefs tracefs{tree.paths()};
  EXPECT_EQ(tracefs.command("p:tcpaccept/e foo"), 0);
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "p:other/x tcp_close\np:tcpaccept/e foo\n");
  EXPECT_EQ(tracefs.probes().size(), 2u);
  EXPECT_EQ(tracefs.event_id("tcpaccept", "e"), 1557u);
  EXPECT_EQ(tracefs.event_format("tcpaccept", "e"), "name: e\n");
  EXPECT_THROW(tracefs.event_id("tcpaccept", "bad"), Error);
  EXPECT_THROW(tracefs.event_id("tcpaccept", "absent"), Error);
  EXPECT_THROW(tracefs.event_format("tcpaccept", "absent"), Error);
  EXPECT_EQ(tracefs.refusal("p:"), "");

  const UniqueFd profile = tracefs.open_profile();
  EXPECT_EQ(Tracefs::profile(profile.get(), "e"), (ProbeProfile{7, 3}));
  EXPECT_EQ(Tracefs::profile(profile.get(), "e"), (ProbeProfile{7, 3}));  // again, from the start
  EXPECT_EQ(Tracefs::profile(profile.get(), "f"), std::nullopt);
  EXPECT_EQ(Tracefs::profile(-1, "e"), std::nullopt);
}

TEST(Tracefs, SaysWhenThereAreNoKprobeEvents) {
  test::FakeTree tree;
  tree.write("tracing/README", "tracing mini-HOWTO");
  const std::string error = error_of(tree.paths());
  EXPECT_TRUE(contains(error, "no kprobe events")) << error;
  EXPECT_TRUE(contains(error, "CONFIG_KPROBE_EVENTS")) << error;
}

TEST(Tracefs, SaysWhenItIsNotThere) {
  test::FakeTree tree;
  EXPECT_TRUE(contains(error_of(tree.paths()), "mount tracefs")) << error_of(tree.paths());
  tree.make_dir("tracing");
  EXPECT_TRUE(contains(error_of(tree.paths()), "is empty")) << error_of(tree.paths());
}

TEST(Tracefs, SaysWhenTheKernelIsLockedDown) {
  test::FakeTree tree;
  tree.make_dir("tracing");
  tree.write("lockdown", "none integrity [confidentiality]\n");
  EXPECT_TRUE(contains(error_of(tree.paths()), "lockdown is in confidentiality mode")) << error_of(tree.paths());
  tree.write("lockdown", "none [integrity] confidentiality\n");
  EXPECT_TRUE(contains(error_of(tree.paths()), "is empty"));
}

TEST(Tracefs, SaysWhenNotPermitted) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  std::filesystem::permissions(tree.path("tracing/kprobe_events"), std::filesystem::perms::none);
  std::filesystem::permissions(tree.path(""), std::filesystem::perms{0755});
  if (::geteuid() != 0) {
    EXPECT_TRUE(contains(error_of(tree.paths()), "run as root"));
    return;
  }
  // Root may write anything: ask as somebody else.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool dropped = ::setgid(65534) == 0 && ::setuid(65534) == 0;
    ::_exit(dropped && contains(error_of(tree.paths()), "run as root") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tcpaccept::kernel
