// ftrace's records of one CPU as messages on a socket, perf's as bytes.
#include "kernel/rescue.h"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "fake_tree.h"
#include "perf/record.h"
#include "unit/perf/kernel_formats.h"
#include "unit/perf/record_builder.h"

namespace tcpaccept::kernel {
namespace {

using perf::test::ByteBuilder;

const auto& format() { return perf::test::kKernelFormats[1]; }

// What both write for one accept, as the 6.1 kernel lays it out; `flags` differ between them.
// `state` and `established` may change between the two.
std::vector<std::byte> payload(std::uint16_t rport, std::uint8_t flags, std::uint16_t protocol = 6, std::uint32_t thread = 51,
                               std::uint8_t state = 1, std::uint64_t established = 1) {
  ByteBuilder raw;
  raw.add(format().id).add(flags).add(std::uint8_t{0}).add(thread).add(std::uint64_t{0xffffffff81000000});
  const std::uint64_t num = state == 7 ? 0 : 80;
  raw.add(std::uint64_t{__builtin_bswap16(rport)} | num << 16 | std::uint64_t{2} << 32 | std::uint64_t{state} << 48);
  for (int address = 0; address < 2; ++address) raw.add(std::uint64_t{0}).add(std::uint64_t{0x0100007fffff0000});
  raw.add(__builtin_bswap16(std::uint16_t{80})).add(protocol).add(std::uint32_t{1});
  raw.add(established).add(std::uint32_t{800}).add(std::uint32_t{0}).add(std::uint32_t{128});
  raw.add(std::uint64_t{1}).add(std::uint32_t{5 << 16 | 96}).add_text(std::string_view{"sshd\0\0\0\0", 8});
  return raw.bytes();
}

class RescueTest : public testing::Test {
 protected:
  RescueTest() {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    kernel_.reset(pair[0]);
    rescue_.add(1, UniqueFd{pair[1]});
    tree_.write("proc/51/status", "Name:\tx\nTgid:\t50\n");
  }

  void ftrace(const std::vector<std::vector<std::byte>>& payloads, bool overwritten = false) {
    ByteBuilder records;
    for (const auto& one : payloads) {
      records.add(std::uint32_t{1 << 5}).add(static_cast<std::uint32_t>(one.size() + 4)).add_bytes(one);
    }
    ByteBuilder page;
    page.add(std::uint64_t{1000}).add(records.bytes().size() | std::uint64_t{overwritten} << 31).add_bytes(records.bytes());
    EXPECT_EQ(::send(kernel_.get(), page.bytes().data(), page.bytes().size(), 0), static_cast<ssize_t>(page.bytes().size()));
    EXPECT_TRUE(rescue_.read(1));
  }
  void perf(std::uint16_t rport, std::uint16_t cpu = 1, std::uint32_t thread = 51) {
    rescue_.seen(cpu, perf::test::sample({.pid = thread - 1, .tid = thread, .time = 9, .cpu = cpu}, payload(rport, 7, 6, thread)));
  }
  std::vector<std::uint16_t> ports(const std::vector<std::byte>& records) {
    std::vector<std::uint16_t> all;
    Bytes rest = records;
    Bytes record;
    while (perf::next_record(rest, record)) {
      const perf::Decoded decoded = decoder_.decode(record);
      if (const auto* accept = std::get_if<Accept>(&decoded)) {
        all.push_back(accept->rport);
        last_ = *accept;
      }
    }
    EXPECT_TRUE(rest.empty());
    return all;
  }

  using Ports = std::vector<std::uint16_t>;
  perf::DecoderConfig config_{.layout = {.cgroup = true}, .formats = {std::string{format().text}}, .probe_address = 0};
  perf::Decoder decoder_{config_};
  test::FakeTree tree_;
  Rescue rescue_{config_, format().id, tree_.paths()};
  UniqueFd kernel_;
  Accept last_;
};

TEST_F(RescueTest, GivesWhatPerfDidNotDeliver) {
  perf(5001);
  ftrace({payload(5001, 1), payload(5002, 1), payload(5003, 1)});
  perf(5003);
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5002}));
  EXPECT_TRUE(rescue_.whole(1));
  EXPECT_EQ(rescue_.count(), 1u);
  EXPECT_EQ(last_.time, 1002u);
  EXPECT_EQ(last_.cpu, 1);
  EXPECT_EQ(last_.tid, 51u);
  EXPECT_EQ(last_.listener.pid, 50u);
  EXPECT_EQ(last_.listener.comm.view(), "sshd");
  EXPECT_EQ(last_.listener.cgroup, 0u);
  EXPECT_TRUE(rescue_.take(1, false).empty());
}

TEST_F(RescueTest, WhatChangesBetweenTheTwoWritersIsTheSameAccept) {
  const auto perf_has = [&](const std::vector<std::byte>& one, std::uint64_t time = 9) {
    rescue_.seen(1, perf::test::sample({.pid = 50, .tid = 51, .time = time, .cpu = 1}, one));
  };
  // A FIN, and an RST, which takes the port away; whatever an MPTCP socket has in place of a time.
  ftrace({payload(5001, 1, 6, 51, 1), payload(5002, 1, 6, 51, 1), payload(5003, 1, 262, 51, 1, 3), payload(5004, 1, 6, 51, 1, 3)});
  perf_has(payload(5001, 7, 6, 51, 8));
  perf_has(payload(5002, 7, 6, 51, 7));
  perf_has(payload(5003, 7, 262, 51, 1, 4));
  perf_has(payload(5004, 7, 6, 51, 1, 4));  // another connection with the same ends
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5004}));
  // The client came back by the same port.
  ftrace({payload(5005, 1, 262, 51, 1, 3)});
  perf_has(payload(5005, 1, 262, 51, 1, 3), 20'000'000);
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5005}));
}

TEST_F(RescueTest, WhatThePerfFilterKeepsAwayStaysAway) {
  ftrace({payload(5001, 1, 132), payload(5002, 1, 262), {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}});
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5002}));
}

TEST_F(RescueTest, TheLastOneOfALiveCpuMayBeOnItsWay) {
  ftrace({payload(5001, 1), payload(5002, 1)});
  EXPECT_EQ(ports(rescue_.take(1, true)), (Ports{5001}));
  ftrace({payload(5003, 1)});  // by now perf delivers
  perf(5003);
  EXPECT_EQ(ports(rescue_.settle(1)), (Ports{5002}));
  ftrace({payload(5004, 1), payload(5005, 1)});
  EXPECT_EQ(ports(rescue_.take(1, true)), (Ports{5004}));
  perf(5005);
  EXPECT_TRUE(rescue_.settle(1).empty());
  EXPECT_EQ(rescue_.count(), 3u);
}

TEST_F(RescueTest, SettledIsPerfsAlsoWhenItIsReadLate) {
  perf(5001);
  EXPECT_TRUE(rescue_.settle(1).empty());
  ftrace({payload(5001, 1)});
  EXPECT_TRUE(rescue_.take(1, false).empty());
}

TEST_F(RescueTest, TellsWhetherSomethingWasOverwritten) {
  perf(5001);
  ftrace({payload(5001, 1), payload(5002, 1)}, true);
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5002}));
  EXPECT_TRUE(rescue_.whole(1));  // what is older than 5001 is perf's, too
  ftrace({payload(5003, 1)}, true);
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5003}));
  EXPECT_FALSE(rescue_.whole(1));
}

TEST_F(RescueTest, ABufferThatWasSwitchedOffIsNotTrusted) {
  perf(5001);
  rescue_.settle(1);
  perf(5002);
  rescue_.settle(1);
  EXPECT_TRUE(rescue_.take(1, false).empty());
  EXPECT_FALSE(rescue_.whole(1));
  perf(5003);
  ftrace({payload(5003, 1)});
  rescue_.settle(1);
  rescue_.take(1, false);
  EXPECT_TRUE(rescue_.whole(1));
}

TEST_F(RescueTest, ABufferThatIsAlwaysReadFirstIsTrusted) {
  for (std::uint16_t port = 5001; port < 5006; ++port) {
    ftrace({payload(port, 1)});
    rescue_.settle(1);
    perf(port);
  }
  ftrace({payload(5006, 1)});
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5006}));
  EXPECT_TRUE(rescue_.whole(1));
}

TEST_F(RescueTest, SwitchesWhatIsOffOnAgain) {
  EXPECT_TRUE(rescue_.recording());
  tree_.write("tracing_on", "1\n");
  tree_.write("enable", "0\n");
  std::vector<UniqueFd> switches;
  for (const char* const name : {"tracing_on", "enable"}) {
    switches.emplace_back(::open(tree_.path(name).c_str(), O_RDWR | O_CLOEXEC));
  }
  rescue_.watch(std::move(switches));
  EXPECT_FALSE(rescue_.recording());
  EXPECT_EQ(tree_.read("enable"), "1\n");
  EXPECT_TRUE(rescue_.recording());
}

TEST_F(RescueTest, TellsWhetherThereIsSomethingNew) {
  EXPECT_FALSE(rescue_.read(1));
  ftrace({payload(5001, 1)});
  EXPECT_FALSE(rescue_.read(1));  // ftrace() has read it
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5001}));
}

TEST_F(RescueTest, ProcessesThatAreGoneAreThosePerfNamed) {
  perf(1, 0, 71);
  ftrace({payload(5001, 1, 6, 71)});
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5001}));
  EXPECT_EQ(last_.listener.pid, 70u);
  ftrace({payload(5002, 1, 6, 72)});
  EXPECT_EQ(ports(rescue_.take(1, false)), (Ports{5002}));
  EXPECT_EQ(last_.listener.pid, 0u);
}

}  // namespace
}  // namespace tcpaccept::kernel
