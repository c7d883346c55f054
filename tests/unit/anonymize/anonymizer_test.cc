#include "anonymize/anonymizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anonymize/texts.h"
#include "support/samples.h"

namespace tcpaccept::anonymize {
namespace {

using namespace samples;
using ::testing::ElementsAre;
using ::testing::MatchesRegex;

Settings settings() {
  Settings settings;
  settings.key.fill(9);
  return settings;
}

capture::Batch anonymized(capture::Batch batch, const Settings& with = settings()) {
  Anonymizer anonymizer(with);
  anonymizer.apply(batch, shift_of(with, "boot-a"));
  return batch;
}

TEST(Anonymizer, ChangesWhatNamesSomebodyAndKeepsTheRest) {
  Accept accept = sshd();
  accept.listener.netns = 4026531840;
  accept.listener.cgroup = 4711;
  accept.listener.nspid = 7;
  accept.listener.backlog = 128;
  accept.cpu = 3;
  accept.wait_us = 55;
  capture::Batch before = batch_of({accept});
  before.cgroups = {{4711, "/system.slice/ssh.service"}};
  const Accept after = anonymized(before).at(0);
  EXPECT_NE(after.raddr, accept.raddr);
  EXPECT_NE(after.listener.saddr, accept.listener.saddr);
  EXPECT_THAT(std::string(after.listener.comm.view()), MatchesRegex("c-[0-9a-f]{8}"));
  EXPECT_NE(after.listener.pid, accept.listener.pid);
  EXPECT_EQ(after.tid, after.listener.pid);  // as it was
  EXPECT_NE(after.listener.nspid, after.listener.pid);
  EXPECT_NE(after.listener.netns, accept.listener.netns);
  EXPECT_THAT(std::string(anonymized(before).cgroup_path(after.listener.cgroup)),
              MatchesRegex("/g-[0-9a-f]{8}/g-[0-9a-f]{8}"));
  Accept expected = accept;
  expected.raddr = after.raddr;
  expected.tid = after.tid;
  for (const auto field : {&Listener::pid, &Listener::nspid, &Listener::netns}) expected.listener.*field = after.listener.*field;
  expected.listener.comm = after.listener.comm;
  expected.listener.saddr = after.listener.saddr;
  expected.listener.cgroup = after.listener.cgroup;
  EXPECT_EQ(after, expected);  // port, family, protocol, backlog, CPU, times
}

TEST(Anonymizer, NotRecordedStays) {
  Accept accept = sshd();
  accept.listener.pid = accept.tid = 0;
  accept.listener.comm = {};
  const Accept after = anonymized(batch_of({accept})).at(0);
  EXPECT_EQ(after.listener.pid, 0u);
  EXPECT_EQ(after.tid, 0u);
  EXPECT_EQ(after.listener.nspid, 0u);
  EXPECT_EQ(after.listener.netns, 0u);
  EXPECT_EQ(after.listener.cgroup, 0u);
  EXPECT_EQ(after.listener.comm, Comm{});
}

TEST(Anonymizer, TheSameKeyGivesTheSameAndAnotherOneDoesNot) {
  const capture::Batch batch = batch_of({sshd(), iperf3()});
  EXPECT_EQ(anonymized(batch), anonymized(batch));
  Settings other = settings();
  other.key[31] ^= 1;
  EXPECT_NE(anonymized(batch, other).peers, anonymized(batch).peers);
  EXPECT_NE(anonymized(batch, other).listeners, anonymized(batch).listeners);
}

TEST(Anonymizer, KeepsWhatItIsToldToKeep) {
  Settings with = settings();
  with.keep_private = with.keep_comm = true;
  const Accept after = anonymized(batch_of({sshd()}), with).at(0);
  EXPECT_EQ(after.raddr, sshd().raddr);
  EXPECT_EQ(after.listener.comm, sshd().listener.comm);
  EXPECT_NE(after.listener.pid, sshd().listener.pid);
}

TEST(Anonymizer, MapsPortsByClass) {
  Settings with = settings();
  with.map_ports = true;
  const capture::Batch after = anonymized(batch_of({sshd(), iperf3()}), with);
  EXPECT_EQ(after.listeners[0].sport, 22);
  EXPECT_NE(after.listeners[1].sport, 5201);
  EXPECT_GE(after.listeners[1].sport, 1024);
  EXPECT_EQ(after.rport[0], after.rport[1]);
  EXPECT_NE(after.rport[0], sshd().rport);
}

TEST(Anonymizer, ShiftsWallTimeAndHidesTheUptime) {
  Settings with = settings();
  with.shift_time = -60'000'000'000;
  capture::Batch before = batch_of({sshd(), sshd()});
  before.time[1] += 1000;
  before.ledger = capture::Ledger{.begin = kMonotonic - 5, .end = kMonotonic + 5, .hits = 2, .written = 2};
  before.gaps = {{.begin = kMonotonic, .end = kMonotonic + 1}};
  before.clock.boottime += 77;
  const capture::Batch after = anonymized(before, with);
  EXPECT_EQ(after.clock.wall(after.time[0]), before.clock.wall(before.time[0]) - 60'000'000'000);
  EXPECT_EQ(after.time[1] - after.time[0], 1000u);
  EXPECT_GT(after.time[0], before.time[0]);
  EXPECT_EQ(after.time[0] - after.ledger->begin, 5u);
  EXPECT_EQ(after.gaps[0].begin, after.time[0]);
  EXPECT_NE(after.clock.boottime - after.clock.monotonic, 77u);
  // Files of one boot fit together, those of another do not tell by how much.
  EXPECT_EQ(shift_of(with, "boot-a").monotonic, shift_of(with, "boot-a").monotonic);
  EXPECT_NE(shift_of(with, "boot-a").monotonic, shift_of(with, "boot-b").monotonic);
}

TEST(Anonymizer, TimesAtTheEndOfTheClockStayInOrder) {
  Settings with = settings();
  with.shift_time = 1;
  capture::Batch batch = batch_of({sshd(), sshd()});
  batch.time = {kNotRecorded64 - 10, kNotRecorded64 - 5};
  const capture::Batch after = anonymized(batch, with);
  EXPECT_LE(after.time[0], after.time[1]);
}

TEST(Anonymizer, CgroupsStayInOrder) {
  capture::Batch batch = batch_of({sshd()});
  for (std::uint64_t id = 1; id < 50; ++id) batch.cgroups.push_back({id, "/a/" + std::to_string(id)});
  const capture::Batch after = anonymized(batch);
  for (std::size_t i = 1; i < after.cgroups.size(); ++i) EXPECT_LT(after.cgroups[i - 1].id, after.cgroups[i].id);
}

TEST(Names, PathsKeepTheirHierarchy) {
  Names names(settings().key);
  const std::string top = names.cgroup_path("/system.slice");
  EXPECT_EQ(names.cgroup_path("/system.slice/ssh.service").substr(0, top.size() + 1), top + "/");
  EXPECT_EQ(names.cgroup_path("/"), "/");
  EXPECT_EQ(names.cgroup_path(""), "");
  EXPECT_EQ(names.cgroup_path("relative"), names.cgroup("relative"));
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "/a";
  EXPECT_LE(names.cgroup_path(deep).size(), capture::kMaxCgroupPath);
  EXPECT_NE(names.cgroup_path(deep), names.cgroup_path(deep + "b"));
}

TEST(Names, HaveAFormOfTheirOwn) {
  Names names(settings().key);
  EXPECT_THAT(names.host("web1"), MatchesRegex("h-[0-9a-f]{8}"));
  EXPECT_NE(names.host("web1").substr(2), std::string(names.comm(Comm::from("web1")).view()).substr(2));
  EXPECT_THAT(names.boot_id("x"), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
  EXPECT_EQ(names.host(""), "");
  EXPECT_EQ(names.boot_id(""), "");
}

// ---- texts of a session ----

capture::Start anonymized_start(capture::Start start) {
  Anonymizer anonymizer(settings());
  anonymizer.apply(start);
  return start;
}

TEST(Texts, WhatAMaintainerNeedsStays) {
  capture::Start start = samples::start("boot");
  start.pids = {121};
  start.probe.definitions = {
      "p:tcpaccept/p156_s18e_neffffffc_787d1776311459a5_tcp security_sock_graft pf=+12($arg1):x64 "
      "netns=+280(+48($arg1)):u32 kfile=+16($arg2):x64 comm=$comm",
      "r4096:tcpaccept/p1_s2_n3_4_mptcp inet_csk_accept sk=$retval:x64"};
  start.probe.filter = "proto==6 || proto==262 | proto==262";
  start.probe.self_test = {"IPv4: as expected", "IPv6: not made: socket: Address family not supported by protocol",
                           "MPTCP: remote address 10.0.0.7 instead of 127.0.0.1"};
  start.probe.notes = {"probe misses are not recorded: this kernel counts failed fetches among them",
                       "no BPF program keeps plain TCP off the MPTCP event (Operation not permitted): each accept costs more",
                       "probes switched off for a moment would go unnoticed, inotify does not work (Too many open files); x"};
  const capture::Start after = anonymized_start(start);
  EXPECT_EQ(after.kernel, start.kernel);
  EXPECT_EQ(after.kernel_build, start.kernel_build);
  EXPECT_EQ(after.machine, start.machine);
  EXPECT_EQ(after.distribution, start.distribution);
  EXPECT_EQ(after.recorder, start.recorder);
  EXPECT_EQ(after.probe.filter, start.probe.filter);
  EXPECT_THAT(after.probe.definitions,
              ElementsAre("p:tcpaccept/tcp security_sock_graft pf=+12($arg1):x64 netns=+280(+48($arg1)):u32 "
                          "kfile=+16($arg2):x64 comm=$comm",
                          "r4096:tcpaccept/mptcp inet_csk_accept sk=$retval:x64"));
  EXPECT_THAT(after.probe.self_test, ElementsAre("IPv4: as expected",
                                                 "IPv6: not made: socket: Address family not supported by protocol",
                                                 "MPTCP: differed in remote address"));
  EXPECT_THAT(after.probe.notes,
              ElementsAre("probe misses are not recorded: this kernel counts failed fetches among them",
                          "no BPF program keeps plain TCP off the MPTCP event",
                          "probes switched off for a moment would go unnoticed, inotify does not work",
                          "anonymized: addresses, names, ids are pseudonyms; 3 lines of the recorder cut short"));
  EXPECT_NE(after.pids[0], 121u);
  // Doing it again changes nothing of the texts.
  EXPECT_EQ(unknown_text(after, "addresses, names, ids are pseudonyms"), "");
  capture::Start again = anonymized_start(after);
  again.probe.notes.back() = after.probe.notes.back();
  EXPECT_EQ(again.probe, after.probe);
}

// Every form in which the recorder writes what it found out about the kernel.
TEST(Texts, WhyAPlanWasPassedOverStays) {
  capture::Start start = samples::start("boot");
  start.probe.filter = "sk!=0 && (family==2 || family==10)";
  start.probe.self_test = {
      "IPv4: the probe did not show it",
      "IPv6: the probe showed it more than once",
      "IPv4 on a dual-stack listener: family 2 instead of 10, protocol 262 instead of 6",
      "MPTCP: not made: the loopback interface is down",
      "MPTCP: not made: loopback does not answer",
      "MPTCP: not made: others keep connecting to the test's port",
      "MPTCP: not made: getsockopt: Protocol not available",
  };
  start.probe.notes = {
      "plan graft: this kernel has no security_sock_graft",
      "plan graft: the self-test failed: IPv4: the probe did not show it; MPTCP: not made: socket: Protocol not "
      "supported",
      "plan graft: the self-test failed: IPv4: the probe did not show it; kprobes may be switched off: mount debugfs "
      "(\"mount -t debugfs nodev /sys/kernel/debug\") and look at /sys/kernel/debug/kprobes/enabled",
      "plan graft: the kernel refuses a probe on security_sock_graft (Unknown type is specified, at "
      "\"kfile=+16($arg2):x64\"): Invalid argument",
      "plan inet_accept: the kernel refuses a probe on __inet_accept: No such file or directory",
      "plan inet_accept: writing /sys/kernel/tracing/kprobe_events: Invalid argument",
      "plan inet_accept: cannot write /sys/kernel/debug/tracing/kprobe_events: Cannot allocate memory",
      "plan inet_accept: cannot install a probe on __inet_accept: every name tried is taken in "
      "/sys/kernel/tracing/kprobe_events",
      "plan inet_accept: the kernel refuses the event filter \"proto==6 || proto==262\": error 524",
      "plan inet_accept: the kernel's event format is not understood: field beyond 64 KiB",
      "cgroups are not recorded: the perf_event controller is on a hierarchy of cgroup version 1; boot with "
      "cgroup_no_v1=perf_event",
      "cgroups are not recorded: no controller was given to any (\"echo +pids > "
      "/sys/fs/cgroup/cgroup.subtree_control\" before the recorder starts)",
      "no BPF program keeps plain TCP off the MPTCP event (Operation not permitted): each accept costs some thousand "
      "instructions more",
      "the probe is not proved to work, no connection of our own could be made (IPv4: not made: the loopback interface "
      "is down); see to the loopback interface, for example with \"ip link set lo up\"",
      "probes switched off for a moment would go unnoticed, inotify does not work (Too many open files); raise "
      "fs.inotify.max_user_instances or fs.inotify.max_user_watches",
      "probes switched off in debugfs would go unnoticed, it is not mounted; mount it with \"mount -t debugfs nodev "
      "/sys/kernel/debug\"",
      "no type information in /sys/kernel/btf/vmlinux (No such file or directory): queue wait, network namespace and "
      "protocol are not recorded",
  };
  const capture::Start after = anonymized_start(start);
  EXPECT_EQ(after.probe.filter, start.probe.filter);
  EXPECT_EQ(after.probe.self_test, start.probe.self_test);
  std::vector<std::string> notes = start.probe.notes;
  notes.emplace_back("anonymized: addresses, names, ids are pseudonyms");
  EXPECT_EQ(after.probe.notes, notes);
  EXPECT_EQ(unknown_text(after, "addresses, names, ids are pseudonyms"), "");
}

TEST(Texts, OfALineThatGoesOnOtherwiseTheKnownPartStays) {
  capture::Start start = samples::start("boot");
  start.probe.self_test = {"IPv4: command alice, bob instead of xyz012345abcdef, thread 7 instead of 8", "IPv6: alice"};
  start.probe.notes = {
      "plan graft: alice",
      "plan graft: the kernel refuses a probe on security_sock_graft (Unknown alice): Invalid argument",
      "plan inet_accept: the self-test failed: IPv4: thread 7 instead of 8; alice; IPv6: the probe did not show it",
      "cgroups are not recorded: the perf_event controller is on a hierarchy of cgroup version 1; says alice",
      "no type information in /home/alice/vmlinux (alice): queue wait, network namespace and protocol are not recorded",
      "plan alice: the self-test failed",
  };
  const capture::Start after = anonymized_start(start);
  EXPECT_THAT(after.probe.self_test, ElementsAre("IPv4: differed in command, thread", "IPv6: differed"));
  EXPECT_THAT(after.probe.notes,
              ElementsAre("plan graft", "plan graft",
                          "plan inet_accept: the self-test failed: IPv4: differed in thread; IPv6: the probe did not "
                          "show it",
                          "cgroups are not recorded: the perf_event controller is on a hierarchy of cgroup version 1",
                          "no BTF: queue wait, network namespace and protocol are not recorded",
                          "anonymized: addresses, names, ids are pseudonyms; 1 line of the recorder left out; 7 lines "
                          "of the recorder cut short"));
  EXPECT_EQ(unknown_text(after, "addresses, names, ids are pseudonyms"), "");
}

TEST(Texts, LongLinesAreNotOfTheRecorder) {
  capture::Start start = samples::start("boot");
  std::string words = "plan graft: the kernel refuses a probe on security_sock_graft (";
  while (words.size() < 4000) words += "a an array address ";
  std::string tests = "plan graft: the self-test failed: ";
  while (tests.size() < 4000) tests += "IPv4: as expected; IPv4: differed in thread; ";
  start.probe.notes = {words, tests, tests + tests, std::string(4000, ':'), words + "): Invalid argument"};
  start.probe.self_test = {"IPv4: " + std::string(5000, ' ')};
  start.probe.definitions = {"p:tcpaccept/x security_sock_graft" + std::string(4000, ' ')};
  const capture::Start after = anonymized_start(start);
  EXPECT_THAT(after.probe.self_test, ElementsAre());
  EXPECT_EQ(after.probe.notes.size(), 3u + 1);
}

TEST(Texts, OnlyFieldsAndVersionsOfOursAreKnown) {
  capture::Start start = samples::start("boot");
  start.recorder = "tcpaccept-record 10.1.1.1";
  start.probe.definitions = {"r1:tcpaccept/secrethostname security_sock_graft secret=$arg1",
                             "p:tcpaccept/a security_sock_graft proto=+1($arg1):u16"};
  const capture::Start after = anonymized_start(start);
  EXPECT_EQ(after.recorder, "left out");
  EXPECT_THAT(after.probe.definitions, ElementsAre("p:tcpaccept/tcp security_sock_graft proto=+1($arg1):u16"));
}

TEST(Texts, WhatIsNotKnownIsLeftOut) {
  capture::Start start = samples::start("boot");
  start.host = "Web1.corp.example.com";
  start.kernel = "6.1.0-web1";
  start.kernel_build = "#1 SMP root@10.1.2.3";
  start.distribution = "Debian\x1b[2J";
  start.recorder = "alice's recorder";
  start.probe = {.plan = "secret",
                 .symbol = "secret",
                 .definitions = {"p:x/y security_sock_graft", "p:tcpaccept/x security_sock_graft a=alice"},
                 .filter = "comm==\"alice\"",
                 .offsets = "bob",
                 .notes = {"alice was here"},
                 .self_test = {"IPv4 of alice: as expected"}};
  const capture::Start after = anonymized_start(start);
  EXPECT_EQ(after.kernel, "left out");  // the name of the host is in it
  EXPECT_EQ(after.kernel_build, "left out");
  EXPECT_EQ(after.distribution, "left out");
  EXPECT_EQ(after.recorder, "left out");
  EXPECT_THAT(after.host, MatchesRegex("h-[0-9a-f]{8}"));
  EXPECT_EQ(after.probe, (capture::ProbeInfo{.plan = "left out",
                                             .symbol = "left out",
                                             .definitions = {},
                                             .filter = "left out",
                                             .offsets = "left out",
                                             .notes = {"anonymized: addresses, names, ids are pseudonyms; 4 lines of the "
                                                       "recorder left out"},
                                             .self_test = {}}));
}

TEST(Texts, WhatEverybodyHasStays) {
  capture::Start start = samples::start("boot");
  start.host = "cloud";
  start.kernel = "5.15.90.1-cloud-amd64";  // no address
  start.recorder = "tcpaccept-record 0.1.0";
  const capture::Start after = anonymized_start(start);
  EXPECT_EQ(after.kernel, "5.15.90.1-cloud-amd64");
  EXPECT_EQ(after.recorder, "tcpaccept-record 0.1.0");
  start.recorder = "tcpaccept-record 0.1.0~alice";
  EXPECT_EQ(anonymized_start(start).recorder, "left out");
  start.probe.filter = "pid==184";
  EXPECT_EQ(anonymized_start(start).probe.filter, "left out");
}

TEST(Texts, ReasonsAreThoseOfTheRecorder) {
  const auto pid = [](std::uint32_t number) { return number + 1; };
  for (const char* const reason : {"", "signal SIGINT", "duration", "count", "output closed", "merged"}) {
    EXPECT_EQ(known_reason(reason, pid), reason);
  }
  EXPECT_EQ(known_reason("process 121 ended", pid), "process 122 ended");
  EXPECT_EQ(known_reason("process alice ended", pid), "left out");
  EXPECT_EQ(known_reason("signal SIGINT\n", pid), "left out");
}

TEST(Texts, FindsWholeWords) {
  EXPECT_TRUE(holds_word("6.1.0-web1-amd64", "web1"));
  EXPECT_FALSE(holds_word("6.1.0-web12", "web1"));
  EXPECT_TRUE(holds_word("web12 web1", "web1"));
  EXPECT_FALSE(holds_word("anything", ""));
}

}  // namespace
}  // namespace tcpaccept::anonymize
