#include "perf/decoder.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/error.h"
#include "perf/record.h"

namespace tcpaccept::perf {
namespace {

static_assert(std::endian::native == std::endian::little, "perf samples are decoded in host order, little endian");

// enum perf_event_type, include/uapi/linux/perf_event.h
constexpr std::uint32_t kRecordLost = 2;
constexpr std::uint32_t kRecordSample = 9;
constexpr std::uint32_t kRecordLostSamples = 13;

constexpr std::size_t kHeadSize = 28;  // of a sample's body, before the raw data

// A kprobe sits on the first instruction that may be patched: behind endbr64 or bti and the ftrace prologue,
// that is up to 8 bytes into the function on x86-64 and arm64. No other function begins that close.
constexpr std::uint64_t kEntrySlack = 16;

// The sample's clock is read without locks and may lag the one the kernel stamps sockets with while that is
// being adjusted; a wait that is negative by more than this is no wait but something else in the field.
constexpr std::uint64_t kClockSlackUs = 10'000;

constexpr std::uint16_t big_endian16(std::uint16_t value) {
  return static_cast<std::uint16_t>((value << 8) | (value >> 8));
}

std::uint64_t wait_us(std::uint64_t time_ns, std::uint64_t established_us) {
  if (established_us == 0 || established_us == kNotRecorded64) return kNotRecorded64;
  const std::uint64_t now_us = time_ns / 1000;
  if (established_us <= now_us) return now_us - established_us;
  return established_us - now_us <= kClockSlackUs ? 0 : kNotRecorded64;
}

// The kernel counts eighths of a microsecond. A round trip of whole milliseconds was not measured from SYN-ACK to ACK
// but read from the client's echo of a TCP timestamp, whose clock ticks in milliseconds (tcp_ack_update_rtt,
// net/ipv4/tcp_input.c): with SYN cookies that echo carries options in its low bits, and there is no telling these
// from a repeated SYN-ACK.
std::uint32_t rtt_us(std::uint64_t srtt) {
  constexpr std::uint64_t kMillisecond = 8000;
  return srtt < 8 || srtt % kMillisecond == 0 ? kNotRecorded32 : static_cast<std::uint32_t>(srtt >> 3);
}

IpAddress address_of(std::uint64_t first, std::uint64_t second) {
  IpAddress address;
  std::memcpy(address.bytes.data(), &first, sizeof first);
  std::memcpy(address.bytes.data() + sizeof first, &second, sizeof second);
  return address;
}

}  // namespace

Decoder::Fields Decoder::resolve(const EventFormat& format) {
  Fields fields;
  fields.id = format.id;
  fields.subflow = format.name.ends_with("_mptcp");
  const auto cover = [&](const FieldSlot& slot) {
    fields.fixed_size = std::max(fields.fixed_size, slot.offset + slot.size);
    return Number{.offset = slot.offset, .size = slot.size};
  };
  const auto number_slot = [&](const char* name) {
    const FieldSlot slot = format.find(name);
    if (slot.kind == FieldSlot::Kind::kAbsent) return Number{};
    if (!slot.is_number()) throw Error{"event " + format.name + ": field " + name + " is not a number"};
    return cover(slot);
  };

  fields.pf = number_slot("pf");
  fields.d0 = number_slot("d0");
  fields.d1 = number_slot("d1");
  fields.s0 = number_slot("s0");
  fields.s1 = number_slot("s1");
  fields.v4 = number_slot("v4");
  fields.sport = number_slot("sport");
  fields.proto = number_slot("proto");
  fields.netns = number_slot("netns");
  fields.est = number_slot("est");
  fields.srtt = number_slot("srtt");
  fields.ahead = number_slot("ahead");
  fields.limit = number_slot("limit");
  fields.left = number_slot("left");
  fields.lproto = number_slot("lproto");
  fields.kfile = number_slot("kfile");
  // Entry probes say where they are, return probes which function they return from.
  fields.address = number_slot("__probe_ip");
  if (fields.address.size == 0) fields.address = number_slot("__probe_func");
  const FieldSlot comm = format.find("comm");
  if (comm.is_dynamic_string()) {
    fields.comm = cover(comm);
  } else if (comm.kind != FieldSlot::Kind::kAbsent) {
    throw Error{"event " + format.name + ": field comm is not a dynamic string"};
  }

  const bool v6 = fields.d0.size == 8 && fields.d1.size == 8 && fields.s0.size == 8 && fields.s1.size == 8;
  if (fields.pf.size != 8 || (!v6 && fields.v4.size != 8)) {
    throw Error{"event " + format.name + ": it has no ports or no addresses"};
  }
  if (!v6) fields.d0 = fields.d1 = fields.s0 = fields.s1 = Number{};
  if (fields.v4.size != 8) fields.v4 = Number{};
  return fields;
}

Decoder::Decoder(const DecoderConfig& config) : layout_(config.layout), probe_address_(config.probe_address) {
  if (config.formats.empty()) throw Error{"no event format to decode with"};
  for (const std::string& text : config.formats) {
    const Fields fields = resolve(parse_event_format(text));
    const auto same_id = [&](const Fields& other) { return other.id == fields.id; };
    if (std::any_of(events_.begin(), events_.end(), same_id)) {
      throw Error{"two event formats have the id " + std::to_string(fields.id)};
    }
    events_.push_back(fields);
  }
}

// The caller has checked that the payload covers fixed_size, so every slot lies inside.
std::uint64_t Decoder::number(const Number& slot, Bytes payload, std::uint64_t otherwise) {
  const std::byte* from = payload.data() + slot.offset;
  switch (slot.size) {
    case 8:
      return load<std::uint64_t>(from);
    case 4:
      return load<std::uint32_t>(from);
    case 2:
      return load<std::uint16_t>(from);
    case 1:
      return load<std::uint8_t>(from);
    default:
      return otherwise;
  }
}

Decoded Decoder::decode(Bytes record) const {
  ByteCursor cursor{record};
  RecordHeader header;
  if (!cursor.take(header)) return Malformed{"record shorter than its header"};
  if (header.size != record.size()) return Malformed{"record size does not match its header"};

  switch (header.type) {
    case kRecordSample:
      return decode_sample(cursor.rest());
    case kRecordLost: {  // u64 id, u64 lost
      Loss loss;
      if (!cursor.skip(sizeof(std::uint64_t)) || !cursor.take(loss.count)) return Malformed{"lost record cut short"};
      return loss;
    }
    case kRecordLostSamples: {  // u64 lost
      Loss loss;
      if (!cursor.take(loss.count)) return Malformed{"lost-samples record cut short"};
      return loss;
    }
    default:
      return Ignored{};
  }
}

bool Decoder::of_subflow(Bytes record) const {
  constexpr std::size_t kIdAt = sizeof(RecordHeader) + kHeadSize;
  if (record.size() < kIdAt + sizeof(std::uint16_t)) return false;
  if (load<RecordHeader>(record.data()).type != kRecordSample) return false;
  const auto id = load<std::uint16_t>(record.data() + kIdAt);
  return std::any_of(events_.begin(), events_.end(), [&](const Fields& f) { return f.id == id && f.subflow; });
}

Decoded Decoder::decode_sample(Bytes body) const {
  // Order fixed by perf_event_open(2): TID, TIME, CPU, RAW, CGROUP.
  struct Head {
    std::uint32_t pid, tid;
    std::uint64_t time;
    std::uint32_t cpu, reserved;
    std::uint32_t raw_size;
  };
  static_assert(offsetof(Head, raw_size) + sizeof(std::uint32_t) == kHeadSize);

  ByteCursor cursor{body};
  Bytes head_bytes;
  if (!cursor.take_bytes(kHeadSize, head_bytes)) return Malformed{"sample cut short"};
  Head head;
  std::memcpy(&head, head_bytes.data(), kHeadSize);
  Bytes payload;
  if (!cursor.take_bytes(head.raw_size, payload)) return Malformed{"raw data longer than its sample"};
  std::uint64_t cgroup = 0;
  if (layout_.cgroup && !cursor.take(cgroup)) return Malformed{"sample without its cgroup"};

  if (payload.size() < sizeof(std::uint16_t)) return Malformed{"raw data without an event id"};
  const auto id = load<std::uint16_t>(payload.data());
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const Fields& f) { return f.id == id; });
  if (found == events_.end()) return Malformed{"sample of an unknown event"};
  const Fields& at = *found;
  if (payload.size() < at.fixed_size) return Malformed{"raw data shorter than the event's fields"};

  if (probe_address_ != 0 && at.address.size != 0) {
    const std::uint64_t address = number(at.address, payload, 0);
    if (address - probe_address_ >= kEntrySlack) return Foreign{address};
  }

  Accept accept;
  accept.time = head.time;
  accept.tid = head.tid;
  accept.cpu = head.cpu < kNotRecorded16 ? static_cast<std::uint16_t>(head.cpu) : kNotRecorded16;
  Listener& listener = accept.listener;
  listener.pid = head.pid;
  listener.cgroup = cgroup;

  const std::uint64_t packed = number(at.pf, payload, 0);
  const auto family = static_cast<std::uint16_t>(packed >> 32);
  if (family != AF_INET && family != AF_INET6) return Malformed{"neither an IPv4 nor an IPv6 socket"};
  listener.family = static_cast<std::uint8_t>(family);
  accept.rport = big_endian16(static_cast<std::uint16_t>(packed));
  listener.sport = at.sport.size != 0 ? big_endian16(static_cast<std::uint16_t>(number(at.sport, payload, 0)))
                                      : static_cast<std::uint16_t>(packed >> 16);

  if (family == AF_INET && at.v4.size != 0) {
    const std::uint64_t both = number(at.v4, payload, 0);
    accept.raddr = IpAddress::from_v4(static_cast<std::uint32_t>(both));
    listener.saddr = IpAddress::from_v4(static_cast<std::uint32_t>(both >> 32));
  } else if (at.d0.size != 0) {
    accept.raddr = address_of(number(at.d0, payload, 0), number(at.d1, payload, 0));
    listener.saddr = address_of(number(at.s0, payload, 0), number(at.s1, payload, 0));
    if (family == AF_INET && (!accept.raddr.is_v4() || !listener.saddr.is_v4())) {
      return Malformed{"IPv4 socket without IPv4 addresses"};
    }
  } else {
    return Malformed{"IPv6 socket, but the event has IPv4 addresses only"};
  }

  listener.protocol = static_cast<std::uint16_t>(number(at.proto, payload, 0));
  listener.netns = static_cast<std::uint32_t>(number(at.netns, payload, 0));
  listener.in_kernel = at.kfile.size != 0 && number(at.kfile, payload, 0) == 0;
  if (number(at.lproto, payload, 0) == kProtocolTcp) {
    accept.left = static_cast<std::uint32_t>(number(at.left, payload, kNotRecorded32));
  }
  if ((listener.protocol == kProtocolMptcp) == at.subflow) {
    listener.backlog = static_cast<std::uint32_t>(number(at.limit, payload, kNotRecorded32));
    accept.ahead = static_cast<std::uint32_t>(number(at.ahead, payload, kNotRecorded32));
    accept.wait_us = wait_us(head.time, number(at.est, payload, kNotRecorded64));
    accept.rtt_us = rtt_us(number(at.srtt, payload, 0));
  }

  if (at.comm.size != 0) {
    const auto where = load<std::uint32_t>(payload.data() + at.comm.offset);
    const std::size_t offset = where & 0xffff;
    const std::size_t length = where >> 16;
    if (offset > payload.size() || length > payload.size() - offset) return Malformed{"comm outside the raw data"};
    std::array<char, sizeof(Comm::bytes)> text{};
    std::memcpy(text.data(), payload.data() + offset, std::min(length, text.size() - 1));
    listener.comm = Comm::from({text.data(), ::strnlen(text.data(), text.size())});
  }
  return accept;
}

}  // namespace tcpaccept::perf
