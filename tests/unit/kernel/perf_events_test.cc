// The real thing on an ordinary tracepoint: needs root (or a generous kernel.perf_event_paranoid), tracefs and
// perf events, and says so when it has to skip.
#include "kernel/perf_events.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"
#include "fake_tree.h"
#include "kernel/clock.h"
#include "kernel/host_facts.h"
#include "perf/event_format.h"
#include "perf/record.h"

namespace tcpaccept::kernel {
namespace {

constexpr const char* kEvent = "/events/syscalls/sys_enter_getpriority/";

// tracefs where it is, or mounted for the time of the tests in a directory of our own.
class PerfEventsOnTracepoint : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string root;
    for (const char* place : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
      if (std::filesystem::exists(place + std::string{"/events"})) root = place;
    }
    if (root.empty()) {
      if (::geteuid() != 0) GTEST_SKIP() << "tracefs is not mounted, and only root can mount it";
      tree_.make_dir("mnt");
      if (::mount("tracefs", tree_.path("mnt").c_str(), "tracefs", 0, nullptr) != 0) {
        GTEST_SKIP() << "tracefs cannot be mounted: " << errno_text(errno);
      }
      root = mounted_ = tree_.path("mnt");
    }
    std::ifstream file{root + kEvent + "id"};
    if (!(file >> id_)) GTEST_SKIP() << root << kEvent << "id cannot be read (not root, or not in this kernel)";
    try {
      EventOpener opener{{{.id = id_, .filter = ""}}, 4096};
      PerfEvents probe{opener, online_cpus()};
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
  void TearDown() override {
    if (!mounted_.empty()) ::umount2(mounted_.c_str(), MNT_DETACH);
  }

  // One sample per call, on the CPU we run on.
  static void hit(int times = 1) {
    for (int i = 0; i < times; ++i) ::syscall(SYS_getpriority, 0, ::getpid());
  }
  static void pin(std::size_t cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ASSERT_EQ(::sched_setaffinity(0, sizeof set, &set), 0);
  }

  struct Seen {
    std::uint64_t samples = 0;
    std::uint64_t ours = 0;
    std::uint64_t lost = 0;
    std::uint64_t other = 0;
  };
  static void count(Bytes records, Seen& seen) {
    Bytes record;
    while (perf::next_record(records, record)) {
      const auto header = load<perf::RecordHeader>(record.data());
      if (header.type == 9) {
        ++seen.samples;
        if (load<std::uint32_t>(record.data() + 8) == static_cast<std::uint32_t>(::getpid())) ++seen.ours;
      } else if (header.type == 2) {
        seen.lost += load<std::uint64_t>(record.data() + 16);
      } else {
        ++seen.other;
      }
    }
    EXPECT_TRUE(records.empty());
  }
  static std::uint64_t hits(PerfEvents& events) {
    std::uint64_t sum = 0;
    for (const CpuCounts& cpu : events.counts()) sum += cpu.hits;
    return sum;
  }

  test::FakeTree tree_;
  std::string mounted_;
  std::uint64_t id_ = 0;
  // Only ours: an argument that nobody else uses, not even another of these tests at the same time.
  const std::string filter_ = "who==" + std::to_string(::getpid());
};

TEST_F(PerfEventsOnTracepoint, EverySampleArrivesOnItsCpu) {
  EventOpener opener{{{.id = id_, .filter = filter_}}, 64 * 1024};
  PerfEvents events{opener, online_cpus()};
  EXPECT_EQ(events.poll_fds().size(), events.cpus().size());
  hit(5);  // not switched on yet
  events.enable();
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  std::uint64_t expected = 0;
  for (const std::uint16_t cpu : events.cpus()) {
    if (!CPU_ISSET(cpu, &before)) continue;
    pin(cpu);
    hit(10);
    expected += 10;
  }
  ::sched_setaffinity(0, sizeof before, &before);
  events.disable();
  hit(5);

  Seen seen;
  const std::uint64_t now = monotonic_now();
  events.drain([&](std::uint16_t cpu, Bytes records) {
    count(records, seen);
    const auto time = load<std::uint64_t>(records.data() + 16);
    EXPECT_LT(time, now);
    EXPECT_GT(time, now - 60'000'000'000);
    EXPECT_EQ(load<std::uint32_t>(records.data() + 24), cpu);
  });
  EXPECT_EQ(seen.samples, expected);
  EXPECT_EQ(seen.ours, expected);
  EXPECT_EQ(seen.other, 0u);
  EXPECT_EQ(hits(events), expected);
  EXPECT_EQ(events.corrupt_rings(), 0u);
  events.drain([&](std::uint16_t, Bytes) { FAIL() << "a drained ring is empty"; });
}

TEST_F(PerfEventsOnTracepoint, LossesAddUpExactly) {
  EventOpener opener{{{.id = id_, .filter = filter_}}, 1};
  PerfEvents events{opener, online_cpus()};
  EXPECT_EQ(opener.ring_bytes(), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  events.enable();
  Seen seen;
  const auto sink = [&](std::uint16_t, Bytes records) { count(records, seen); };
  hit(1000);
  events.drain(sink);
  hit(10);  // the kernel announces the loss with the next record that fits
  events.disable();
  events.drain(sink);
  EXPECT_EQ(hits(events), 1010u);
  EXPECT_LT(seen.samples, 1010u);
  for (const CpuCounts& cpu : events.counts()) {
    if (cpu.lost == kNotRecorded64) GTEST_SKIP() << "this kernel has no PERF_FORMAT_LOST";
    seen.samples += cpu.lost;
  }
  EXPECT_EQ(seen.samples, 1010u);
}

TEST_F(PerfEventsOnTracepoint, TwoEventsShareARing) {
  const int second = ::getpid() + (1 << 24);  // process ids end at 2^22: nobody else's argument either
  EventOpener opener{{{.id = id_, .filter = filter_}, {.id = id_, .filter = "who==" + std::to_string(second)}},
                     64 * 1024};
  PerfEvents events{opener, online_cpus()};
  EXPECT_EQ(events.poll_fds().size(), events.cpus().size());
  events.enable();
  hit(3);
  for (int i = 0; i < 4; ++i) ::syscall(SYS_getpriority, 0, second);
  for (int i = 0; i < 5; ++i) ::syscall(SYS_getpriority, 0, second + 1);
  events.disable();
  Seen seen;
  std::uint64_t last = 0;
  std::uint16_t last_cpu = 0;
  events.drain([&](std::uint16_t cpu, Bytes records) {
    count(records, seen);
    if (cpu != last_cpu) last = 0;
    last_cpu = cpu;
    for (Bytes record; perf::next_record(records, record);) {
      EXPECT_GE(load<std::uint64_t>(record.data() + 16), last);
      last = load<std::uint64_t>(record.data() + 16);
    }
  });
  EXPECT_EQ(seen.samples, 7u);
  EXPECT_EQ(hits(events), 3u) << "those of the first event";
}

// What a CPU that comes back needs; here the old events are alive, so that both deliver.
TEST_F(PerfEventsOnTracepoint, RevivedEventsShareTheOldRingAndGoOnCounting) {
  EventOpener opener{{{.id = id_, .filter = filter_}}, 64 * 1024};
  const std::uint16_t cpu = online_cpus().front();
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  if (!CPU_ISSET(cpu, &before)) GTEST_SKIP() << "CPU " << cpu << " is not for us";
  pin(cpu);
  PerfEvents events{opener, {cpu}};
  EXPECT_FALSE(events.alive(cpu)) << "not switched on yet";
  events.enable();
  EXPECT_TRUE(events.alive(cpu));
  EXPECT_FALSE(events.alive(4000));
  hit(3);
  events.disable();
  EXPECT_FALSE(events.alive(cpu));
  for (int round = 1; round <= 2; ++round) {
    events.revive(cpu, opener.open(cpu));
    EXPECT_TRUE(events.alive(cpu));
    hit(4);
    events.disable();
    EXPECT_EQ(hits(events), 3u + 4u * static_cast<unsigned>(round));
  }
  ::sched_setaffinity(0, sizeof before, &before);
  EXPECT_EQ(events.poll_fds().size(), 1u);
  Seen seen;
  events.drain([&](std::uint16_t, Bytes records) { count(records, seen); });
  EXPECT_EQ(seen.samples, 11u);
}

TEST_F(PerfEventsOnTracepoint, ARingForACpuThatHadNone) {
  const std::vector<std::uint16_t> cpus = online_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "there is one CPU only";
  EventOpener opener{{{.id = id_, .filter = filter_}}, 64 * 1024};
  PerfEvents events{opener, {cpus[0]}};
  events.enable();
  events.revive(cpus[1], opener.open(cpus[1]));
  EXPECT_EQ(events.cpus(), (std::vector<std::uint16_t>{cpus[0], cpus[1]}));
  EXPECT_EQ(events.poll_fds().size(), 2u);
  EXPECT_TRUE(events.alive(cpus[1]));
  hit(5);
  events.disable();
  EXPECT_EQ(hits(events), 5u);
}

TEST_F(PerfEventsOnTracepoint, CountsDisturbOnlyBusyCpus) {
  EventOpener opener{{{.id = id_, .filter = filter_}}, 64 * 1024};
  PerfEvents events{opener, online_cpus()};
  events.enable();
  EXPECT_EQ(hits(events), 0u);
  hit(2);
  EXPECT_EQ(hits(events), 2u);
  EXPECT_EQ(hits(events), 2u);
  events.drain([](std::uint16_t, Bytes) {});
  hit(1);
  EXPECT_EQ(hits(events), 3u);
}

TEST_F(PerfEventsOnTracepoint, WakesAtHalfARingNotBefore) {
  EventOpener opener{{{.id = id_, .filter = filter_}}, 4096};
  PerfEvents events{opener, online_cpus()};
  events.enable();
  std::vector<pollfd> polls;
  for (const int fd : events.poll_fds()) polls.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  hit(2);
  EXPECT_EQ(::poll(polls.data(), polls.size(), 50), 0);
  hit(200);
  EXPECT_GT(::poll(polls.data(), polls.size(), 5000), 0);
}

TEST_F(PerfEventsOnTracepoint, ABadFilterIsAnError) {
  try {
    EventOpener opener{{{.id = id_, .filter = "no_such_field==1"}}, 4096};
    PerfEvents events{opener, online_cpus()};
    FAIL() << "the filter was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string{error.what()}.find("no_such_field==1"), std::string::npos) << error.what();
  }
}

TEST_F(PerfEventsOnTracepoint, OfflineCpusArePassedOver) {
  std::vector<std::uint16_t> cpus = online_cpus();
  const std::size_t online = cpus.size();
  cpus.push_back(4000);
  // A number beyond what the kernel was built for is EINVAL on some and ENODEV on others.
  try {
    EventOpener opener{{{.id = id_, .filter = ""}}, 4096};
    PerfEvents events{opener, cpus};
    EXPECT_EQ(events.cpus().size(), online);
  } catch (const Error& error) {
    EXPECT_NE(std::string{error.what()}.find("CPU 4000"), std::string::npos) << error.what();
  }
}

TEST(PerfEvents, RingSizesAreRoundedUp) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(rounded_ring_bytes(0), page);
  EXPECT_EQ(rounded_ring_bytes(page + 1), 2 * page);
  EXPECT_EQ(rounded_ring_bytes(512 * 1024), 512u * 1024);
  EXPECT_EQ(rounded_ring_bytes(std::uint64_t{1} << 30), std::uint64_t{1} << 30);
  EXPECT_THROW(rounded_ring_bytes((std::uint64_t{1} << 30) + 1), Error);
  EXPECT_THROW(rounded_ring_bytes(~std::uint64_t{0}), Error);
}

TEST(PerfEvents, NothingToOpenIsAnError) {
  EXPECT_THROW((EventOpener{{}, 4096}), Error);
}

}  // namespace
}  // namespace tcpaccept::kernel
