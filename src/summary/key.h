// What accepts are told apart by (an address, a listener, a number, a name) as three words that compare and hash fast.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>

#include "core/accept.h"
#include "core/byte_cursor.h"
#include "core/ip_address.h"

namespace tcpaccept::summary {

struct Key {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t third = 0;

  auto operator<=>(const Key&) const = default;
};

inline std::uint64_t big_endian(std::uint64_t word) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

// Keys of addresses are in the order of the addresses.
inline Key key_of(const IpAddress& address) {
  const auto* bytes = reinterpret_cast<const std::byte*>(address.bytes.data());
  return {big_endian(load<std::uint64_t>(bytes)), big_endian(load<std::uint64_t>(bytes + 8)), 0};
}
inline IpAddress address_of(const Key& key) {
  IpAddress address;
  const std::uint64_t high = big_endian(key.first);
  const std::uint64_t low = big_endian(key.second);
  std::memcpy(&address.bytes[0], &high, sizeof high);
  std::memcpy(&address.bytes[8], &low, sizeof low);
  return address;
}

inline Key key_of(const Comm& comm) {
  const auto* bytes = reinterpret_cast<const std::byte*>(comm.bytes.data());
  return {big_endian(load<std::uint64_t>(bytes)), big_endian(load<std::uint64_t>(bytes + 8)), 0};
}
inline Comm comm_of(const Key& key) {
  Comm comm;
  const std::uint64_t high = big_endian(key.first);
  const std::uint64_t low = big_endian(key.second);
  std::memcpy(&comm.bytes[0], &high, sizeof high);
  std::memcpy(&comm.bytes[8], &low, sizeof low);
  return comm;
}

// The socket that accepts, as clients see it: where, by which protocol, in which network namespace.
inline Key listener_key(const Listener& listener) {
  Key key = key_of(listener.saddr);
  key.third = std::uint64_t{listener.sport} << 48 | std::uint64_t{listener.protocol} << 32 | listener.netns;
  return key;
}

// The same on every machine and in every run, with all bits well mixed: what estimates are made of. Whoever chooses
// his addresses with this function in mind can mislead the estimate of their number, nothing else.
inline std::uint64_t spread(const Key& key) {
  const auto mix = [](std::uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
  };
  return mix(mix(mix(key.first + 0x9e3779b97f4a7c15) ^ key.second) ^ key.third);
}

}  // namespace tcpaccept::summary
