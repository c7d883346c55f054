// Texts of single fields that CSV and JSON share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/accept.h"
#include "text/digits.h"
#include "text/prepared.h"

namespace tcpaccept::text {

// "inet", "inet6", or the number of another address family.
inline char* put_socket_family(char* to, std::uint8_t family) {
  if (family == 2) return put(to, "inet");
  if (family == 10) return put(to, "inet6");
  return put_number(to, std::uint32_t{family});
}

// "tcp", "mptcp", or the number of another protocol.
inline char* put_protocol(char* to, std::uint16_t protocol) {
  if (protocol == kProtocolTcp) return put(to, "tcp");
  if (protocol == kProtocolMptcp) return put(to, "mptcp");
  return put_number(to, std::uint32_t{protocol});
}

// The second of CLOCK_MONOTONIC as digits, for SecondText; nothing for the first second.
inline char* put_plain_second(std::uint64_t instant, char* to, std::uint64_t& begin) {
  const std::uint64_t second = instant / kNanosPerSecond;
  begin = second * kNanosPerSecond;
  return second == 0 ? to : put_number(to, second);
}

// Bytes of the longest path among the batch's cgroups, as it is in the file.
inline std::size_t longest_path(const capture::Batch& batch) {
  std::size_t longest = 0;
  for (const capture::CgroupPath& cgroup : batch.cgroups) longest = std::max(longest, cgroup.path.size());
  return longest;
}

// All digits of `time`; `second` remembers the leading ones.
inline char* put_nanoseconds(char* to, std::uint64_t time, SecondText& second) {
  const std::uint32_t within = second.within(time, put_plain_second);
  if (second.empty()) [[unlikely]] return put_number(to, within);
  return put_9(second.put(to), within);
}

}  // namespace tcpaccept::text
