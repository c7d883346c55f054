// The two primitives everything else is made of, from OpenSSL's libcrypto: AES-128 for many blocks at once, and
// HMAC-SHA256 as a keyed hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace tcpaccept::anonymize {

inline constexpr std::size_t kBlock = 16;
using AesKey = std::array<std::uint8_t, 16>;
using Digest = std::array<std::uint8_t, 32>;

// 32 bytes, as Crypto-PAn takes them: an AES key and what the padding is made of.
using Key = std::array<std::uint8_t, 32>;

// Not thread safe: one for each thread. Throws Error where libcrypto fails, which it does for want of memory only.
class Aes128 {
 public:
  explicit Aes128(const AesKey& key);
  ~Aes128();
  Aes128(Aes128&&) noexcept;
  Aes128& operator=(Aes128&&) noexcept;

  // Encrypts whole blocks in place, each for itself.
  void encrypt(std::span<std::uint8_t> blocks);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// A hash of `bytes` under `key`; `label` keeps uses of one key apart.
Digest keyed_hash(const Key& key, std::string_view label, std::string_view bytes);
// A key of its own for the use called `label`.
AesKey derived_key(const Key& key, std::string_view label);

}  // namespace tcpaccept::anonymize
