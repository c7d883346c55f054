// One accepted TCP connection, the value that travels from the kernel's ring to the last row.
//
// Everything is in host byte order except addresses (see ip_address.h). A field the kernel or the probe plan
// could not give holds its "not recorded" value, never a guess.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "core/ip_address.h"

namespace tcpaccept {

// A task's command name: any bytes but NUL, at most 15, NUL padded (TASK_COMM_LEN, include/linux/sched.h).
// A process picks its own name: treat it as hostile wherever it is printed.
struct Comm {
  std::array<char, 16> bytes{};

  bool operator==(const Comm&) const = default;
  std::string_view view() const { return {bytes.data(), ::strnlen(bytes.data(), bytes.size() - 1)}; }
  static Comm from(std::string_view text) {
    Comm comm;
    std::memcpy(comm.bytes.data(), text.data(), std::min(text.size(), comm.bytes.size() - 1));
    return comm;
  }
};

inline constexpr std::uint64_t kNotRecorded64 = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint32_t kNotRecorded32 = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint16_t kNotRecorded16 = std::numeric_limits<std::uint16_t>::max();

inline constexpr std::uint16_t kProtocolTcp = 6;      // IPPROTO_TCP
inline constexpr std::uint16_t kProtocolMptcp = 262;  // IPPROTO_MPTCP

// What does not change from one accept to the next on the same listener by the same process: the columns of a
// capture's listener table.
struct Listener {
  std::uint32_t pid = 0;  // process (tgid) in the recorder's pid namespace; 0 = outside it
  Comm comm;              // of the accepting thread
  IpAddress saddr;        // local address of the accepted connection
  std::uint16_t sport = 0;
  std::uint8_t family = 0;  // of the socket: 2 = AF_INET, 10 = AF_INET6 (also for IPv4 on a dual-stack listener)
  bool in_kernel = false;   // accepted by the kernel itself (kernel_accept), not by a system call
  std::uint16_t protocol = 0;      // kProtocolTcp or kProtocolMptcp
  std::uint32_t netns = 0;         // inode of the network namespace; 0 = not recorded
  std::uint64_t cgroup = 0;        // cgroup v2 id (inode of its directory); 0 = not recorded
  std::uint32_t backlog = kNotRecorded32;  // the listener's limit on waiting connections
  std::uint32_t nspid = 0;  // the process in its own, innermost pid namespace (in its container); 0 = not recorded

  bool operator==(const Listener&) const = default;
};

struct Accept {
  std::uint64_t time = 0;  // nanoseconds of CLOCK_MONOTONIC at the accept
  Listener listener;
  IpAddress raddr;  // same family as listener.saddr
  std::uint16_t rport = 0;
  std::uint32_t tid = 0;                   // accepting thread
  std::uint16_t cpu = kNotRecorded16;      // where accept() ran
  std::uint64_t wait_us = kNotRecorded64;  // microseconds from established to accepted
  std::uint32_t ahead = kNotRecorded32;    // connections waiting in the accept queue when this one joined it
  std::uint32_t rtt_us = kNotRecorded32;   // microseconds, SYN-ACK round trip
  std::uint32_t left = kNotRecorded32;     // connections still waiting in the accept queue after this accept

  bool operator==(const Accept&) const = default;
};

}  // namespace tcpaccept
