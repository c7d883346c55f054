#include "perf/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "kernel_formats.h"
#include "perf/record.h"
#include "record_builder.h"

namespace tcpaccept::perf {
namespace {

constexpr std::uint64_t kProbeAddress = 0xffffffff81a04240;

// What one sample of the full field list holds, in the units of the kernel.
struct Raw {
  std::uint16_t id = 0;
  std::uint64_t ip = kProbeAddress;
  std::uint16_t rport = 50000;
  std::uint16_t num = 8080;
  std::uint16_t family = 2;
  IpAddress daddr = *parse_address("10.1.2.3");
  IpAddress saddr = *parse_address("10.9.8.7");
  std::uint16_t sport = 8080;
  std::uint16_t proto = 6;
  std::uint32_t netns = 4026531840;
  std::uint64_t est = 4'999'000;
  std::uint32_t srtt = 8 * 250;
  std::uint32_t ahead = 2;
  std::uint32_t limit = 128;
  std::uint64_t kfile = 0xffff888000000000;
  std::string comm = std::string{"nginx"} + '\0';
};

std::uint16_t swapped(std::uint16_t value) { return static_cast<std::uint16_t>(value << 8 | value >> 8); }

// The payload as laid out by the formats of kernel_formats.h.
std::vector<std::byte> payload(const Raw& raw) {
  test::ByteBuilder builder;
  builder.add(raw.id).add(std::uint16_t{0}).add(std::uint32_t{4711}).add(raw.ip);
  builder.add(swapped(raw.rport)).add(raw.num).add(raw.family).add(std::uint16_t{1});
  builder.add(raw.daddr.bytes).add(raw.saddr.bytes);
  builder.add(swapped(raw.sport)).add(raw.proto).add(raw.netns).add(raw.est);
  builder.add(raw.srtt).add(raw.ahead).add(raw.limit).add(raw.kfile);
  builder.add(static_cast<std::uint32_t>(raw.comm.size() << 16 | 96)).add_text(raw.comm);
  return builder.bytes();
}

Decoder decoder_of(const test::KernelFormat& format, bool cgroup = false, std::uint64_t address = kProbeAddress) {
  return Decoder{{.layout = {.cgroup = cgroup}, .formats = {std::string{format.text}}, .probe_address = address}};
}

class OnEveryKernel : public ::testing::TestWithParam<test::KernelFormat> {
 protected:
  Raw raw() const {
    Raw raw;
    raw.id = GetParam().id;
    raw.proto = protocol();
    return raw;
  }
  // What the event is for.
  std::uint16_t protocol() const {
    return std::string_view{GetParam().kernel}.ends_with("mptcp") ? kProtocolMptcp : kProtocolTcp;
  }
  Decoded decode(const Raw& raw, const test::SampleHead& head = {}) const {
    return decoder_of(GetParam()).decode(test::sample(head, payload(raw)));
  }
  Accept accept(const Raw& raw, const test::SampleHead& head = {}) const {
    const Decoded decoded = decode(raw, head);
    if (const auto* bad = std::get_if<Malformed>(&decoded)) ADD_FAILURE() << bad->why;
    return std::get<Accept>(decoded);
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, OnEveryKernel, ::testing::ValuesIn(test::kKernelFormats), [](const auto& tested) {
  std::string name = tested.param.kernel;
  for (char& letter : name) letter = letter == '.' || letter == ' ' ? '_' : letter;
  return name;
});

TEST_P(OnEveryKernel, EveryFieldArrives) {
  const std::uint64_t cgroup = 0x1234567890;
  const Decoded decoded = decoder_of(GetParam(), true).decode(test::sample({}, payload(raw()), &cgroup));
  Accept expected;
  expected.time = 5'000'000'123;
  expected.tid = 4712;
  expected.cpu = 3;
  expected.raddr = *parse_address("10.1.2.3");
  expected.rport = 50000;
  expected.wait_us = 1000;
  expected.ahead = 2;
  expected.rtt_us = 250;
  expected.listener = {.pid = 4711,
                       .comm = Comm::from("nginx"),
                       .saddr = *parse_address("10.9.8.7"),
                       .sport = 8080,
                       .family = 2,
                       .in_kernel = false,
                       .protocol = protocol(),
                       .netns = 4026531840,
                       .cgroup = cgroup,
                       .backlog = 128};
  ASSERT_TRUE(std::holds_alternative<Accept>(decoded));
  EXPECT_EQ(std::get<Accept>(decoded), expected);
}

TEST_P(OnEveryKernel, Ipv6AndMapped) {
  Raw six = raw();
  six.family = 10;
  six.daddr = *parse_address("2001:db8::1");
  six.saddr = *parse_address("fe80::2");
  EXPECT_EQ(to_string(accept(six).raddr), "2001:db8::1");
  EXPECT_EQ(to_string(accept(six).listener.saddr), "fe80::2");
  EXPECT_EQ(accept(six).listener.family, 10);

  Raw mapped = raw();
  mapped.family = 10;  // an IPv4 client of a dual-stack listener
  EXPECT_EQ(to_string(accept(mapped).raddr), "10.1.2.3");
  EXPECT_EQ(accept(mapped).listener.family, 10);
}

TEST_P(OnEveryKernel, ResetBeforeAcceptKeepsTheLocalPort) {
  Raw reset = raw();
  reset.num = 0;
  EXPECT_EQ(accept(reset).listener.sport, 8080);
}

TEST_P(OnEveryKernel, InKernelAcceptHasNoFile) {
  Raw kernel = raw();
  kernel.kfile = 0;
  EXPECT_TRUE(accept(kernel).listener.in_kernel);
  EXPECT_FALSE(accept(raw()).listener.in_kernel);
}

TEST_P(OnEveryKernel, WaitAndRoundTripNeverGuess) {
  Raw odd = raw();
  odd.est = 0;  // never set
  EXPECT_EQ(accept(odd).wait_us, kNotRecorded64);
  odd.est = 5'000'000;  // this very microsecond
  EXPECT_EQ(accept(odd).wait_us, 0u);
  odd.est = 5'000'000 + 9'999;  // two clocks read a moment apart
  EXPECT_EQ(accept(odd).wait_us, 0u);
  odd.est = 5'000'000 + 10'001;  // no clock is that far off: not a time
  EXPECT_EQ(accept(odd).wait_us, kNotRecorded64);
  odd.est = ~std::uint64_t{0};
  EXPECT_EQ(accept(odd).wait_us, kNotRecorded64);
  odd.est = 1;
  EXPECT_EQ(accept(odd).wait_us, 4'999'999u);

  odd.srtt = 0;
  EXPECT_EQ(accept(odd).rtt_us, kNotRecorded32);
  odd.srtt = 7;  // less than a microsecond
  EXPECT_EQ(accept(odd).rtt_us, kNotRecorded32);
  odd.srtt = 0xffffffff;
  EXPECT_EQ(accept(odd).rtt_us, 0x1fffffffu);
  odd.srtt = 8 * 17000;  // whole milliseconds: a clock that ticks so, with SYN cookies off by up to 63 of them
  EXPECT_EQ(accept(odd).rtt_us, kNotRecorded32);
}

TEST_P(OnEveryKernel, FiguresOfTheWrongKindOfSocketAreNoFigures) {
  Raw other = raw();
  other.proto = protocol() == kProtocolTcp ? kProtocolMptcp : kProtocolTcp;
  EXPECT_EQ(accept(other).wait_us, kNotRecorded64);
  EXPECT_EQ(accept(other).rtt_us, kNotRecorded32);
  EXPECT_EQ(accept(other).ahead, kNotRecorded32);
  EXPECT_EQ(accept(other).listener.backlog, kNotRecorded32);
  EXPECT_EQ(accept(other).rport, 50000);
}

TEST_P(OnEveryKernel, CommIsCutAtNulAndAt15Bytes) {
  Raw named = raw();
  named.comm = std::string{"a\tb\"\xff,\n"} + '\0' + "rest";
  EXPECT_EQ(accept(named).listener.comm.view(), "a\tb\"\xff,\n");
  named.comm = "0123456789abcdefghij";
  EXPECT_EQ(accept(named).listener.comm.view(), "0123456789abcde");
  named.comm = "";
  EXPECT_EQ(accept(named).listener.comm, Comm{});
}

TEST_P(OnEveryKernel, LargeCpuNumbers) {
  EXPECT_EQ(accept(raw(), {.cpu = 65534}).cpu, 65534);
  EXPECT_EQ(accept(raw(), {.cpu = 65535}).cpu, kNotRecorded16);
  EXPECT_EQ(accept(raw(), {.cpu = 0xffffffff}).cpu, kNotRecorded16);
}

TEST_P(OnEveryKernel, SamplesFromElsewhereAreForeign) {
  Raw other = raw();
  other.ip = kProbeAddress + 0x1000;
  EXPECT_EQ(std::get<Foreign>(decode(other)).address, other.ip);
  other.ip = kProbeAddress - 1;
  EXPECT_TRUE(std::holds_alternative<Foreign>(decode(other)));
  other.ip = kProbeAddress + 4;  // behind endbr64
  EXPECT_TRUE(std::holds_alternative<Accept>(decode(other)));
  other.ip = 1;  // nothing to compare with
  EXPECT_TRUE(std::holds_alternative<Accept>(
      decoder_of(GetParam(), false, 0).decode(test::sample({}, payload(other)))));
}

TEST_P(OnEveryKernel, NeitherIpv4NorIpv6) {
  Raw odd = raw();
  odd.family = 1;
  EXPECT_EQ(decode(odd), Decoded{Malformed{"neither an IPv4 nor an IPv6 socket"}});
  odd.family = 2;
  odd.daddr = *parse_address("::1");
  EXPECT_EQ(decode(odd), Decoded{Malformed{"IPv4 socket without IPv4 addresses"}});
}

TEST_P(OnEveryKernel, CutAtEveryByteIsMalformed) {
  const std::uint64_t cgroup = 99;
  const Decoder decoder = decoder_of(GetParam(), true);
  const std::vector<std::byte> whole = test::sample({}, payload(raw()), &cgroup);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(std::holds_alternative<Malformed>(decoder.decode(cut))) << size;
    if (size < 8) continue;
    // The same with a header that agrees.
    const auto written = static_cast<std::uint16_t>(size);
    std::memcpy(cut.data() + 6, &written, sizeof written);
    EXPECT_TRUE(std::holds_alternative<Malformed>(decoder.decode(cut))) << size;
  }
}

TEST_P(OnEveryKernel, RawDataCutAtEveryByteIsMalformedOrWhole) {
  const std::vector<std::byte> whole = payload(raw());
  const Decoder decoder = decoder_of(GetParam());
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut = Bytes{whole}.first(size);
    test::ByteBuilder body;
    body.add(std::uint64_t{1}).add(std::uint64_t{2}).add(std::uint64_t{3});
    body.add(static_cast<std::uint32_t>(size)).add_bytes(cut);
    test::ByteBuilder record;
    record.add(test::kSample).add(std::uint16_t{0}).add(static_cast<std::uint16_t>(8 + body.bytes().size()));
    record.add_bytes(body.bytes());
    const Decoded decoded = decoder.decode(record.bytes());
    EXPECT_EQ(std::holds_alternative<Accept>(decoded), size == whole.size()) << size;
  }
}

TEST_P(OnEveryKernel, FlippedBitsAreNeverACrash) {
  const std::vector<std::byte> whole = test::sample({}, payload(raw()));
  const Decoder decoder = decoder_of(GetParam());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::vector<std::byte> flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    decoder.decode(flipped);
  }
}

// An event as a kernel without BTF gets it: no protocol, IPv4 addresses in a field of their own.
TEST(Decoder, FieldsTheEventLacksAreNotRecorded) {
  const std::string format =
      test::format_text("bare", 42, {{"u64", "pf", 8}, {"u64", "v4", 8}, {"u16", "family", 2}}, "__probe_func");
  const Decoder decoder{{.layout = {}, .formats = {format}, .probe_address = kProbeAddress}};
  test::ByteBuilder raw;
  raw.add(std::uint16_t{42}).add(std::uint16_t{0}).add(std::uint32_t{1}).add(kProbeAddress);
  raw.add(swapped(1234)).add(std::uint16_t{22}).add(std::uint16_t{2}).add(std::uint16_t{1});
  raw.add(std::array<std::uint8_t, 8>{192, 0, 2, 1, 192, 0, 2, 9}).add(std::uint16_t{2});
  const Decoded decoded = decoder.decode(test::sample({}, raw.bytes()));
  ASSERT_TRUE(std::holds_alternative<Accept>(decoded));
  Accept expected;
  expected.time = 5'000'000'123;
  expected.tid = 4712;
  expected.cpu = 3;
  expected.raddr = *parse_address("192.0.2.1");
  expected.rport = 1234;
  expected.listener.pid = 4711;
  expected.listener.saddr = *parse_address("192.0.2.9");
  expected.listener.sport = 22;
  expected.listener.family = 2;
  EXPECT_EQ(std::get<Accept>(decoded), expected);

  // The same event cannot hold the addresses of an IPv6 socket.
  raw.bytes()[20] = std::byte{10};
  EXPECT_TRUE(std::holds_alternative<Malformed>(decoder.decode(test::sample({}, raw.bytes()))));
}

TEST(Decoder, SeveralEventsAreToldApartByTheirId) {
  const auto& tcp = test::kKernelFormats[1];
  const auto& mptcp = test::kKernelFormats[2];
  const Decoder decoder{
      {.layout = {}, .formats = {std::string{tcp.text}, std::string{mptcp.text}}, .probe_address = 0}};
  Raw raw;
  raw.id = mptcp.id;
  raw.proto = 262;
  EXPECT_EQ(std::get<Accept>(decoder.decode(test::sample({}, payload(raw)))).listener.protocol, 262);
  raw.id = tcp.id;
  EXPECT_TRUE(std::holds_alternative<Accept>(decoder.decode(test::sample({}, payload(raw)))));
  raw.id = 1;
  EXPECT_EQ(decoder.decode(test::sample({}, payload(raw))), Decoded{Malformed{"sample of an unknown event"}});
}

TEST(Decoder, LossAndOtherRecords) {
  const Decoder decoder = decoder_of(test::kKernelFormats[0]);
  test::ByteBuilder lost;
  lost.add(std::uint64_t{17}).add(std::uint64_t{300});
  EXPECT_EQ(decoder.decode(test::record(test::kLost, lost.bytes())), Decoded{Loss{300}});
  const auto cut = test::record(test::kLost, Bytes{lost.bytes()}.first(8));
  EXPECT_TRUE(std::holds_alternative<Malformed>(decoder.decode(cut)));
  test::ByteBuilder samples;
  samples.add(std::uint64_t{5});
  EXPECT_EQ(decoder.decode(test::record(test::kLostSamples, samples.bytes())), Decoded{Loss{5}});
  EXPECT_TRUE(std::holds_alternative<Malformed>(decoder.decode(test::record(test::kLostSamples, {}))));
  EXPECT_EQ(decoder.decode(test::record(test::kThrottle, samples.bytes())), Decoded{Ignored{}});
  EXPECT_EQ(decoder.decode(test::record(4242, {})), Decoded{Ignored{}});
}

TEST(Decoder, RefusesFormatsItCannotUse) {
  const auto make = [](std::vector<std::string> formats) {
    return Decoder{{.layout = {}, .formats = std::move(formats), .probe_address = 0}};
  };
  const std::string good{test::kKernelFormats[0].text};
  EXPECT_THROW(make({}), Error);
  EXPECT_THROW(make({"nonsense"}), Error);
  EXPECT_THROW(make({good, good}), Error);  // one id twice
  EXPECT_THROW(make({test::format_text("e", 1, {{"u64", "pf", 8}})}), Error);
  EXPECT_THROW(make({test::format_text("e", 1, {{"u32", "pf", 4}, {"u64", "v4", 8}})}), Error);
  EXPECT_THROW(make({test::format_text("e", 1, {{"u64", "pf[2]", 16}, {"u64", "v4", 8}})}), Error);
  EXPECT_THROW(make({test::format_text("e", 1, {{"u64", "pf", 8}, {"u64", "v4", 8}, {"u32", "comm", 4}})}), Error);
}

}  // namespace
}  // namespace tcpaccept::perf
