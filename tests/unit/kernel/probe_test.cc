#include "kernel/probe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/error.h"
#include "fake_tree.h"
#include "kernel/host_facts.h"

namespace tcpaccept::kernel {
namespace {

const ProbePlan kPlan{.name = "graft",
                      .symbol = "security_sock_graft",
                      .address = 0,
                      .is_return = false,
                      .events = {{"tcp", "pf=+12($arg1):x64", "proto==6"},
                                 {"mptcp", "pf=+12($arg1):x64", "proto==262"}},
                      .notes = {}};

NameSource fixed(const std::string& name) {
  return [name] { return name; };
}

// A tracefs in which the events named NAME_tcp and NAME_mptcp can be read back.
void add_events(const test::FakeTree& tree, const std::string& name) {
  int id = 100;
  for (const char* suffix : {"_tcp", "_mptcp"}) {
    const std::string event = "tracing/events/tcpaccept/" + name + suffix;
    tree.write(event + "/id", std::to_string(id++) + "\n");
    tree.write(event + "/format", "name: " + name + suffix + "\n");
  }
}

TEST(ProbeName, CarriesItsOwner) {
  const ProbeOwner owner{.pid = 4194304, .start_ticks = 0xffffffffffff, .pid_namespace = 4026531836};
  const std::string name = probe_name(owner, 0xabc);
  EXPECT_EQ(name, "p4194304_sffffffffffff_neffffffc_0000000000000abc");
  EXPECT_LE(name.size() + std::string{"_mptcp"}.size(), 63u);
  EXPECT_EQ(parse_probe_name(name), owner);
  EXPECT_EQ(parse_probe_name(name + "_tcp"), owner);
  const ProbeOwner widest{.pid = ~0u, .start_ticks = 0xffffffffffff, .pid_namespace = 0xffffffff};
  EXPECT_LE(probe_name(widest, ~std::uint64_t{0}).size(), 57u);
}

TEST(ProbeName, IsNotEverythingThatLooksAlike) {
  for (const char* name : {"", "p", "p1", "p1_s2", "p1_s2_n3", "p1_s2_n3_", "p1_s2_n3_abc", "p1_s2_n3_0123456789abcde",
                           "p1_s2_n3_0123456789abcdef0", "p1_s2_n3_0123456789abcdefg", "p-1_s2_n3_0123456789abcdef",
                           "p99999999999_s2_n3_0123456789abcdef", "xp1_s2_n3_0123456789abcdef"}) {
    EXPECT_EQ(parse_probe_name(name), std::nullopt) << name;
  }
}

TEST(ProbeName, IsNewEachTime) {
  const NameSource names = random_names(this_owner({}));
  const std::string first = names();
  EXPECT_NE(first, names());
  EXPECT_EQ(parse_probe_name(first)->pid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_NE(parse_probe_name(first)->start_ticks, 0u);
}

TEST(Probe, InstallsReadsBackAndRemoves) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  add_events(tree, "n");
  const Tracefs tracefs{tree.paths()};
  {
    Probe probe{tracefs, kPlan, fixed("n")};
    ASSERT_EQ(probe.events().size(), 2u);
    EXPECT_EQ(probe.events()[0].name, "n_tcp");
    EXPECT_EQ(probe.events()[0].id, 100u);
    EXPECT_EQ(probe.events()[0].filter, "proto==6");
    EXPECT_EQ(probe.events()[0].format, "name: n_tcp\n");
    EXPECT_EQ(probe.events()[1].definition, "p:tcpaccept/n_mptcp security_sock_graft pf=+12($arg1):x64");
  }
  EXPECT_EQ(tree.read("tracing/kprobe_events"),
            "p:tcpaccept/n_tcp security_sock_graft pf=+12($arg1):x64\n"
            "p:tcpaccept/n_mptcp security_sock_graft pf=+12($arg1):x64\n"
            "-:tcpaccept/n_tcp\n"
            "-:tcpaccept/n_mptcp\n");
}

TEST(Probe, RemovesOnce) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  add_events(tree, "n");
  const Tracefs tracefs{tree.paths()};
  Probe probe{tracefs, kPlan, fixed("n")};
  EXPECT_EQ(probe.remove(), "");
  const std::string after = tree.read("tracing/kprobe_events");
  EXPECT_EQ(probe.remove(), "");
  EXPECT_EQ(tree.read("tracing/kprobe_events"), after);
}

TEST(Probe, TakesAnotherNameWhenItWasMergedIntoSomebodysEvent) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "p:tcpaccept/taken_tcp tcp_close pf=+12($arg1):x64\n");
  add_events(tree, "taken");
  add_events(tree, "free");
  const Tracefs tracefs{tree.paths()};
  int calls = 0;
  Probe probe{tracefs, kPlan, [&] { return calls++ == 0 ? "taken" : "free"; }};
  EXPECT_EQ(probe.events()[0].name, "free_tcp");
  EXPECT_EQ(calls, 2);
}

TEST(Probe, GivesUpWhenEveryNameIsTaken) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "p:tcpaccept/n_tcp tcp_close a=1\n");
  add_events(tree, "n");
  const Tracefs tracefs{tree.paths()};
  try {
    Probe probe{tracefs, kPlan, fixed("n")};
    FAIL() << "installed under a taken name";
  } catch (const Error& error) {
    EXPECT_NE(std::string{error.what()}.find("every name tried is taken"), std::string::npos) << error.what();
  }
}

TEST(Probe, LeavesNothingWhenItCannotBeReadBack) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  EXPECT_THROW((Probe{tracefs, kPlan, fixed("n")}), Error);
  EXPECT_TRUE(tree.read("tracing/kprobe_events").ends_with("-:tcpaccept/n_tcp\n-:tcpaccept/n_mptcp\n"));
}

TEST(Sweep, RemovesProbesOfTheDeadAndNoOthers) {
  test::FakeTree tree;
  // Process 10 runs since tick 500; 11 is gone; 12 is another process that got the pid later.
  const std::string stat_tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 ";
  tree.write("proc/10/stat", "10 (a ) b" + std::string{")"} + stat_tail + "500 0 0\n");
  tree.write("proc/12/stat", "12 (c)" + stat_tail + "900 0 0\n");
  tree.make_dir("proc/self/ns");
  std::filesystem::create_symlink("/proc/self/ns/pid", tree.path("proc/self/ns/pid"));
  const std::uint64_t ours = pid_namespace({});
  ASSERT_NE(ours, 0u);

  const std::string alive = probe_name({10, 500, ours}, 1) + "_tcp";
  const std::string dead = probe_name({11, 500, ours}, 2) + "_tcp";
  const std::string reused = probe_name({12, 500, ours}, 3) + "_tcp";
  const std::string elsewhere = probe_name({11, 500, ours + 1}, 4) + "_tcp";
  tree.write("tracing/kprobe_events", "p:tcpaccept/" + alive + " f\np:tcpaccept/" + dead + " f\np:tcpaccept/" + reused +
                                          " f\np:tcpaccept/" + elsewhere + " f\np:other/" + dead +
                                          " f\np:tcpaccept/mine f\n");
  const std::string before = tree.read("tracing/kprobe_events");
  const Swept swept = sweep_stale_probes(Tracefs{tree.paths()}, tree.paths());
  EXPECT_EQ(swept.removed, (std::vector<std::string>{dead, reused}));
  EXPECT_EQ(swept.left, std::vector<std::string>{});
  EXPECT_EQ(tree.read("tracing/kprobe_events"), before + "-:tcpaccept/" + dead + "\n-:tcpaccept/" + reused + "\n");
}

// The kernel refuses all commands: kprobe_events is a full disk.
TEST(Sweep, SaysWhatCannotBeRemoved) {
  test::FakeTree tree;
  const std::string dead = probe_name({11, 500, pid_namespace({})}, 2) + "_tcp";
  tree.make_dir("proc/self/ns");
  std::filesystem::create_symlink("/proc/self/ns/pid", tree.path("proc/self/ns/pid"));
  tree.write("tracing/kprobe_events", "p:tcpaccept/" + dead + " f\n");
  const Tracefs tracefs{tree.paths()};
  const UniqueFd full{::open("/dev/full", O_WRONLY)};
  ASSERT_EQ(::dup2(full.get(), tracefs.commands_fd()), tracefs.commands_fd());
  const Swept swept = sweep_stale_probes(tracefs, tree.paths());
  EXPECT_EQ(swept.removed, std::vector<std::string>{});
  EXPECT_EQ(swept.left, std::vector<std::string>{"probe tcpaccept/" + dead + ", which a killed recorder left behind, "
                                                 "cannot be removed: No space left on device"});
}

}  // namespace
}  // namespace tcpaccept::kernel
