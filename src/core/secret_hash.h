// Hashing keys that come from strangers, who must not be able to choose such as all fall into one place.
//
// The function has a secret of this process; nothing that depends on it is ever seen. No defence against somebody who can
// measure how long single look-ups take.
#pragma once

#include <sys/auxv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "core/accept.h"
#include "core/byte_cursor.h"

namespace tcpaccept {

// What the kernel gave this process at its start (getauxval(3), AT_RANDOM): no system call, which a confined process may
// not have.
inline std::array<std::uint64_t, 2> process_secret() {
  std::array<std::uint64_t, 2> words{0x243f6a8885a308d3, 0x13198a2e03707344};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the pointer comes as a number
  const auto* random = reinterpret_cast<const std::byte*>(::getauxval(AT_RANDOM));
  if (random != nullptr) {
    words[0] ^= load<std::uint64_t>(random);
    words[1] ^= load<std::uint64_t>(random + 8);
  }
  return words;
}

// Of an even number of words.
inline std::uint64_t secret_hash(std::initializer_list<std::uint64_t> words) {
  static const std::array<std::uint64_t, 2> secret = process_secret();
  std::uint64_t hash = 0x9e3779b97f4a7c15;
  for (const std::uint64_t* word = words.begin(); word != words.end(); word += 2) {
    const auto product = static_cast<unsigned __int128>(word[0] ^ hash ^ secret[0]) * (word[1] ^ secret[1]);
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  return hash;
}

// For tables of the standard library.
struct SecretHash {
  std::size_t operator()(const IpAddress& address) const { return secret_hash({half(address, 0), half(address, 8)}); }
  // Of all of it: a stranger's listeners may differ in any field.
  std::size_t operator()(const Listener& listener) const {
    const auto pair = [](std::uint32_t high, std::uint32_t low) { return std::uint64_t{high} << 32 | low; };
    const std::uint32_t kind = std::uint32_t{listener.protocol} << 16 | std::uint32_t{listener.family} << 1 |
                               (listener.in_kernel ? 1u : 0u);
    return secret_hash({half(listener.saddr, 0), half(listener.saddr, 8), half(listener.comm, 0), half(listener.comm, 8),
                        pair(listener.pid, listener.nspid), pair(listener.netns, listener.backlog), listener.cgroup,
                        pair(kind, listener.sport)});
  }

 private:
  template <typename T>
  static std::uint64_t half(const T& from, std::size_t at) {
    return load<std::uint64_t>(reinterpret_cast<const std::byte*>(from.bytes.data()) + at);
  }
};

}  // namespace tcpaccept
