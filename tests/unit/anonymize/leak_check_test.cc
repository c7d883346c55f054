#include "anonymize/leak_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "support/samples.h"

namespace tcpaccept::anonymize {
namespace {

using namespace samples;
using ::testing::AllOf;
using ::testing::HasSubstr;

Settings settings() {
  Settings settings;
  for (std::size_t i = 0; i < settings.key.size(); ++i) settings.key[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return settings;
}

capture::Start start_of() {
  capture::Start start = samples::start("4cd1a5a5-4b3a-4f5e-9d7a-0d1f6a1c2b3d");
  start.probe.self_test = {"IPv4: as expected"};
  return start;
}

capture::Batch batch_of_two() {
  Accept other = iperf3();
  other.raddr = address("2001:db8:7::42");
  other.listener.saddr = address("2001:db8::170");
  other.listener.family = 10;
  other.listener.cgroup = 77;
  other.time += 5;
  capture::Batch batch = batch_of({sshd(), other});
  batch.cgroups = {{77, "/system.slice/iperf3-customer.service"}};
  return batch;
}

// An anonymiser that works, and the check that saw what it saw; the tests break what it made before it is checked.
struct Writing {
  explicit Writing(const Settings& with = settings()) : anonymizer(with), check(with) {
    check.note(start);
    check.note(batch);
    const TimeShift shift = shift_of(with, start.boot_id);
    anonymizer.apply(start);
    anonymizer.apply(batch, shift);
    anonymizer.apply(end, shift);
  }
  std::string bytes(capture::Packing packing) const { return frame(start) + frame(batch, packing) + frame(end); }
  // "" or what was found.
  std::string found(const std::string& content, capture::Packing packing) {
    const Bytes bytes = std::as_bytes(std::span(content));
    std::vector<std::uint64_t> words(bytes.size() / 8);  // frames are read where words may lie
    std::memcpy(words.data(), bytes.data(), bytes.size());
    try {
      check.check(Bytes{reinterpret_cast<const std::byte*>(words.data()), bytes.size()}, packing, "OUT");
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Exit::kFailed);
      return error.what();
    }
    return "";
  }
  std::string found() {
    std::string packed = found(bytes(capture::Packing::kPacked), capture::Packing::kPacked);
    const std::string plain = found(bytes(capture::Packing::kPlain), capture::Packing::kPlain);
    EXPECT_EQ(packed, plain);
    return packed;
  }

  capture::Start start = start_of();
  capture::Batch batch = batch_of_two();
  capture::End end = samples::end(2, 1);
  Anonymizer anonymizer;
  LeakCheck check;
};

TEST(LeakCheck, PassesWhatTheAnonymizerMakes) {
  for (int variant = 0; variant < 16; ++variant) {
    Settings with = settings();
    with.keep_private = (variant & 1) != 0;
    with.keep_comm = (variant & 2) != 0;
    with.map_ports = (variant & 4) != 0;
    if ((variant & 8) != 0) with.shift_time = 3'600'000'000'000;
    EXPECT_EQ(Writing(with).found(), "") << variant;
  }
}

TEST(LeakCheck, FindsAnAddressLeftAsItWas) {
  const capture::Batch original = batch_of_two();
  for (const std::size_t i : {0u, 1u}) {
    Writing peer;
    peer.batch.peers[i] = original.peers[i];
    EXPECT_THAT(peer.found(), AllOf(HasSubstr("OUT is not written"), HasSubstr(to_string(original.peers[i]))));
    Writing local;
    local.batch.listeners[i].saddr = original.listeners[i].saddr;
    EXPECT_THAT(local.found(), HasSubstr(to_string(original.listeners[i].saddr)));
  }
}

TEST(LeakCheck, FindsAnAddressThatNobodyAskedFor) {
  Writing writing;
  writing.batch.peers[0] = address("198.51.100.7");
  EXPECT_THAT(writing.found(), HasSubstr("198.51.100.7, which is the pseudonym of no address"));
}

TEST(LeakCheck, AnOriginalThatIsThePseudonymOfAnotherIsNoLeak) {
  Writing writing;
  // Somebody had the address that is now the pseudonym of the first peer; and has a pseudonym of its own.
  capture::Batch more = batch_of({sshd()});
  more.peers[0] = writing.batch.peers[0];
  writing.check.note(more);
  EXPECT_EQ(writing.found(), "");
}

TEST(LeakCheck, ANameThatIsThePseudonymOfAnotherIsNoLeak) {
  Writing writing;
  capture::Batch more = batch_of_two();
  more.listeners[0].comm = writing.batch.listeners[0].comm;
  writing.check.note(more);
  EXPECT_EQ(writing.found(), "");
}

// The indexes of many new clients count up, in bytes.
TEST(LeakCheck, PackedColumnsAreNoText) {
  std::vector<Accept> accepts;
  for (std::uint32_t i = 0; i < 150; ++i) {
    Accept accept = iperf3();
    accept.raddr = address("198.51.100." + std::to_string(i + 1));
    accept.listener.comm = Comm::from(i == 0 ? "abcdefgh" : "nginx");
    accept.time += i;
    accepts.push_back(accept);
  }
  capture::Batch batch = batch_of(accepts);
  Writing writing;
  writing.check.note(batch);
  const TimeShift shift = shift_of(settings(), writing.start.boot_id);
  writing.anonymizer.apply(batch, shift);
  writing.batch = batch;
  EXPECT_EQ(writing.found(), "");
}

// Somebody who calls himself so and connects from the ports that spell it; and what "not recorded" looks like.
TEST(LeakCheck, FiguresAreNoText) {
  for (const char* const name : {"AABBCCDD", "\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    std::vector<Accept> accepts(4, iperf3());
    for (std::size_t i = 0; i < accepts.size(); ++i) {
      accepts[i].listener.comm = Comm::from(name);
      accepts[i].rport = static_cast<std::uint16_t>(0x4141 + 0x0101 * i);
    }
    Writing writing;
    writing.batch = batch_of(accepts);
    writing.batch.gaps = {{.begin = 1, .end = 2, .reason = GapReason::kDamage, .at_most = kNotRecorded64}};
    writing.check.note(writing.batch);
    writing.anonymizer.apply(writing.batch, shift_of(settings(), writing.start.boot_id));
    EXPECT_EQ(writing.found(), "");
  }
}

TEST(LeakCheck, FindsNames) {
  const capture::Start start = start_of();
  const capture::Batch batch = batch_of_two();
  const auto found = [](const auto& leak) {
    Writing writing;
    leak(writing);
    return writing.found();
  };
  EXPECT_THAT(found([&](Writing& w) { w.batch.listeners[0].comm = batch.listeners[0].comm; }), HasSubstr("the command sshd"));
  EXPECT_THAT(found([&](Writing& w) { w.batch.cgroups[0].path = batch.cgroups[0].path; }), HasSubstr("system.slice"));
  EXPECT_THAT(found([&](Writing& w) { w.start.host = start.host; }), HasSubstr("the host web1"));
  EXPECT_THAT(found([&](Writing& w) { w.start.boot_id = start.boot_id; }), HasSubstr(start.boot_id));
  EXPECT_THAT(found([&](Writing& w) { w.start.kernel = "6.1.0-web1-amd64"; }), HasSubstr("the name web1 in the kernel's release"));
  EXPECT_THAT(found([&](Writing& w) { w.start.distribution = "of 192.168.60.1."; }), HasSubstr("192.168.60.1"));
  EXPECT_THAT(found([&](Writing& w) { w.start.probe.notes.push_back("see 192.168.60.1"); }), HasSubstr("see 192.168.60.1"));
  EXPECT_THAT(found([&](Writing& w) { w.start.probe.definitions.push_back("p:tcpaccept/p1_tcp x"); }), HasSubstr("p1_tcp"));
  EXPECT_THAT(found([&](Writing& w) { w.end.reason = "said alice"; }), HasSubstr("said alice"));
}

TEST(LeakCheck, AKeptCommandMustNotBeAnAddress) {
  Settings with = settings();
  with.keep_comm = true;
  Writing writing(with);
  capture::Batch batch = batch_of_two();
  batch.listeners[0].comm = Comm::from("192.168.60.1");
  writing.check.note(batch);
  writing.batch.listeners[0].comm = batch.listeners[0].comm;
  EXPECT_THAT(writing.found(), HasSubstr("192.168.60.1"));
  batch.listeners[0].comm = Comm::from("s:192.168.60.1");
  writing.check.note(batch);
  writing.batch.listeners[0].comm = batch.listeners[0].comm;
  EXPECT_THAT(writing.found(), HasSubstr("192.168.60.1"));
}

TEST(LeakCheck, FindsOriginalsInText) {
  Writing writing;
  const auto found = [&](const std::string& lines) -> std::string {
    try {
      writing.check.check_text(lines, "OUT");
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Exit::kFailed);
      return error.what();
    }
    return "";
  };
  const std::string address = to_string(writing.batch.peers[0]);
  EXPECT_EQ(found("pid,raddr\n1," + address + "\n"), "");
  EXPECT_THAT(found("pid,raddr\n1," + address + "\n1,192.168.60.1\n"),
              HasSubstr("OUT is not written to its end: the leak check found the address 192.168.60.1 in its text"));
  EXPECT_THAT(found("{\"raddr\":\"2001:db8:7::42\"}\n"), HasSubstr("2001:db8:7::42"));
  EXPECT_THAT(found("ftp:192.168.60.1,1\n"), HasSubstr("192.168.60.1 in its text"));
}

// What a writer of text is given, and what its format writes by itself.
TEST(LeakCheck, FindsNamesInRowsAndNotInTheSyntaxOfAFormat) {
  const auto found = [](Writing& writing) -> std::string {
    try {
      writing.check.check_rows(writing.batch, "OUT");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  Writing good;
  EXPECT_EQ(found(good), "");
  const capture::Batch original = batch_of_two();
  Writing path;
  path.batch.cgroups = original.cgroups;
  EXPECT_THAT(found(path), HasSubstr("OUT is not written to its end: the leak check found the cgroup system.slice"));
  Writing address;
  address.batch.peers[0] = original.peers[0];
  EXPECT_THAT(found(address), HasSubstr("192.168.60.1"));
  for (const char* const name : {"        ", "inet6,tcp", "\"sport\":22", "TIME(s)  ", "wall_time", "2026-11-23T10"}) {
    Writing command;
    capture::Batch named = batch_of_two();
    named.listeners[0].comm = Comm::from(name);
    command.check.note(named);
    EXPECT_NO_THROW(command.check.check_text(
        "1,4,inet6,tcp,,\n{\"sport\":22}\nTIME(s)        PID  wall_time 2026-11-23T10:00\n", "OUT"));
    command.batch.listeners[0].comm = named.listeners[0].comm;
    EXPECT_THAT(found(command), HasSubstr("the command " + std::string(name)));
  }
}

TEST(LeakCheck, ACommandThatStaysMayHoldTheNameOfACgroup) {
  Settings with = settings();
  with.keep_comm = true;
  capture::Batch original = batch_of_two();
  original.listeners[0].comm = Comm::from("gunicorn: maste");
  original.cgroups[0].path = "/lxc/gunicorn";
  const auto written = [&](const auto& leak) {
    Writing writing(with);
    writing.check.note(original);
    writing.batch = original;
    writing.anonymizer.apply(writing.batch, shift_of(with, writing.start.boot_id));
    leak(writing);
    return writing.found();
  };
  EXPECT_EQ(written([](Writing&) {}), "");
  EXPECT_THAT(written([&](Writing& w) { w.batch.cgroups[0].path = "/gunicorn"; }), HasSubstr("the cgroup gunicorn"));
  EXPECT_THAT(written([&](Writing& w) { w.batch.listeners[0].comm = Comm::from("gunicorn"); }),
              HasSubstr("the command gunicorn, which was not there"));
}

// fd00:2001:db8::1 stays, and holds the text of an address that does not.
TEST(LeakCheck, AnAddressThatStaysMayHoldTheTextOfAnother) {
  Settings with = settings();
  with.keep_private = true;
  Writing writing(with);
  const auto found = [&](const std::string& lines) {
    try {
      writing.check.check_text(lines, "OUT");
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  capture::Batch batch = batch_of_two();
  batch.peers[0] = address("2001:db8::1");
  writing.check.note(batch);
  EXPECT_TRUE(found("1,fd00:2001:db8::1,2\n"));  // which nobody had
  batch.peers[1] = address("fd00:2001:db8::1");
  writing.check.note(batch);
  EXPECT_FALSE(found("1,fd00:2001:db8::1,2\n"));
  EXPECT_TRUE(found("1,fd00:2001:db8::1 2001:db8::1\n"));
  EXPECT_TRUE(found("1,\\xfd00:2001:db8::1\n"));
}

// Nobody but the host itself is told by its kernel; and the capture of that host alone would tell the same.
TEST(LeakCheck, AnotherHostMayBeCalledLikeAPartOfTheKernel) {
  Writing writing;
  capture::Start other = start_of();
  other.host = "bookworm";
  writing.check.note(other);
  EXPECT_EQ(writing.found(), "");
  writing.anonymizer.apply(other);
  EXPECT_EQ(other.distribution, "left out");
  writing.start = other;
  EXPECT_EQ(writing.found(), "");
  writing.start.distribution = "Debian GNU/Linux 12 (bookworm)";
  EXPECT_THAT(writing.found(), HasSubstr("the name bookworm in the distribution"));

  Writing left;
  left.start = start_of();
  left.start.host = "left";
  left.start.kernel = "6.1-left";
  left.check.note(left.start);
  left.anonymizer.apply(left.start);
  EXPECT_EQ(left.start.kernel, "left out");
  EXPECT_EQ(left.found(), "");
}

TEST(LeakCheck, FindsBytesThatBelongToNoValue) {
  Writing writing;
  const std::string good = writing.bytes(capture::Packing::kPacked);
  EXPECT_THAT(writing.found(good + std::string(8, 'x'), capture::Packing::kPacked), HasSubstr("bytes that are no frame"));
  EXPECT_THAT(writing.found(good, capture::Packing::kPlain), HasSubstr("bytes that its values do not account for"));
  std::string flipped = good;
  flipped[flipped.size() - 3] = static_cast<char>(flipped[flipped.size() - 3] ^ 1);
  EXPECT_NE(writing.found(flipped, capture::Packing::kPacked), "");
}

TEST(Seen, KnowsAllWhileThereIsRoomAndAPartOfMore) {
  Seen seen(Key{3}, "test", 1 << 12);
  for (std::uint64_t i = 0; i < 3000; ++i) seen.add(seen.fingerprint(i, i));
  EXPECT_EQ(seen.one_of(), 1u);
  for (std::uint64_t i = 0; i < 3000; ++i) EXPECT_TRUE(seen.holds(seen.fingerprint(i, i)));
  for (std::uint64_t i = 3000; i < 100'000; ++i) {
    seen.add(seen.fingerprint(i, i));
  }
  EXPECT_EQ(seen.one_of(), 64u);
  std::size_t followed = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const std::uint64_t print = seen.fingerprint(i, i);
    if (!seen.follows(print)) continue;
    ++followed;
    EXPECT_EQ(seen.holds(print), i < 100'000) << i;
  }
  EXPECT_NEAR(static_cast<double>(followed), 200'000.0 / 64, 300);
}

}  // namespace
}  // namespace tcpaccept::anonymize
