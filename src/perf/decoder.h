// From one perf record to one meaning: an accept, a loss, or a reason why it is neither.
//
// Pure: bytes in, values out. The offsets were resolved at construction from the events' format texts into a
// flat structure; decoding is a few bounds checks and unaligned loads. The records may come from a file, so
// every length is checked against what is left and nothing is asserted.
//
// What the probe arguments mean is fixed by their names (kernel/probe_plan.h defines the same ones):
//   pf     u64: remote port (big endian) | local port << 16 | family << 32 | state << 48
//   d0 d1  two u64: the 16 bytes of the remote address, IPv4 as its mapped form
//   s0 s1  two u64: the same of the local address
//   v4     u64: remote IPv4 address | local IPv4 address << 32, both big endian; only where d0..s1 cannot be
//          trusted for AF_INET sockets
//   sport  u16: local port, big endian; right even after the connection was reset, unlike the one in pf
//   proto  IPPROTO_TCP or IPPROTO_MPTCP        netns  inode of the network namespace
//   est    microseconds of CLOCK_MONOTONIC when the connection was established
//   srtt   microseconds << 3                   ahead, limit  accept queue on arrival, and its limit
//   left   accept queue after this accept; counts only where lproto, the listener's protocol, is IPPROTO_TCP
//   kfile  struct file * of the new socket, 0 when the kernel accepted for itself
//   comm   name of the accepting thread
// An event whose name ends in _mptcp takes est, srtt, ahead and limit from the first subflow; another event cannot have
// them for an MPTCP socket, where they hold something else. Only pf and either d0..s1 or v4 are required; the others give "not recorded" when the event lacks them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/accept.h"
#include "core/byte_cursor.h"
#include "perf/event_format.h"

namespace tcpaccept::perf {

// Which optional parts a PERF_RECORD_SAMPLE carries besides PERF_SAMPLE_TID | TIME | CPU | RAW.
struct SampleLayout {
  bool cgroup = false;  // PERF_SAMPLE_CGROUP
  bool operator==(const SampleLayout&) const = default;
};

// All that is needed to decode the bytes of a session, now or when they are replayed.
struct DecoderConfig {
  SampleLayout layout;
  std::vector<std::string> formats;  // format text of each event that may appear
  // Address of the probed function, 0 = not known. A sample of our event from elsewhere is Foreign.
  std::uint64_t probe_address = 0;

  bool operator==(const DecoderConfig&) const = default;
};

// The kernel could not put `count` samples into the ring (PERF_RECORD_LOST). It says so only when a later
// record fits, so this is when a hole ended and a lower bound of its size; the total is in the events' counts.
struct Loss {
  std::uint64_t count = 0;
  bool operator==(const Loss&) const = default;
};
// A record of a kind that carries no accept (throttling, side band).
struct Ignored {
  bool operator==(const Ignored&) const = default;
};
// A sample of our event taken at another place: somebody appended a probe under our event's name.
struct Foreign {
  std::uint64_t address = 0;
  bool operator==(const Foreign&) const = default;
};
// A record that contradicts its layout or format. `why` is a string literal.
struct Malformed {
  const char* why = "";
  bool operator==(const Malformed& other) const { return std::string_view{why} == other.why; }
};

using Decoded = std::variant<Ignored, Accept, Loss, Foreign, Malformed>;

class Decoder {
 public:
  // Throws Error when a format text is not understood, lacks a required field, or two events share an id.
  explicit Decoder(const DecoderConfig& config);

  // `record` is one whole record with its header, as next_record (perf/record.h) cuts them.
  Decoded decode(Bytes record) const;
  // Is it a sample of the event whose name ends in _mptcp? What that event sees, another one sees, too.
  bool of_subflow(Bytes record) const;

 private:
  struct Number {  // size 0 = absent
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Fields {
    std::uint16_t id = 0;
    std::uint32_t fixed_size = 0;  // bytes of payload every field but the text of comm fits into
    Number pf, d0, d1, s0, s1, v4, sport, proto, netns, est, srtt, ahead, limit, left, lproto, kfile, address;
    Number comm;  // the __data_loc word
    bool subflow = false;  // est, srtt, ahead and limit are those of the first subflow of an MPTCP socket
  };

  static Fields resolve(const EventFormat& format);
  static std::uint64_t number(const Number& slot, Bytes payload, std::uint64_t otherwise);
  Decoded decode_sample(Bytes body) const;

  SampleLayout layout_;
  std::uint64_t probe_address_;
  std::vector<Fields> events_;
};

}  // namespace tcpaccept::perf
