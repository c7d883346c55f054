// Addresses and names as the numbers they are written as: big-endian halves of 16 bytes.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/ip_address.h"

namespace tcpaccept::capture {

inline std::uint64_t load_big_endian(const void* from) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return __builtin_bswap64(value);
}

inline void store_big_endian(std::uint64_t value, void* to) {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

inline std::uint64_t high_half(const IpAddress& address) { return load_big_endian(&address.bytes[0]); }
inline std::uint64_t low_half(const IpAddress& address) { return load_big_endian(&address.bytes[8]); }

inline IpAddress make_address(std::uint64_t high, std::uint64_t low) {
  IpAddress address;
  store_big_endian(high, &address.bytes[0]);
  store_big_endian(low, &address.bytes[8]);
  return address;
}

}  // namespace tcpaccept::capture
