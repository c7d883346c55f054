// A set of what was seen, in bounded memory: fingerprints of 64 bits, exact while there is room.
//
// When it is full it forgets every second fingerprint, by their value, and from then on follows only the rest; then
// every second of these, and so on. What it follows it still knows exactly: it never takes one thing for another (but
// for two fingerprints in 2^64 that are the same).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "anonymize/cipher.h"
#include "core/byte_cursor.h"
#include "core/ip_address.h"

namespace tcpaccept::anonymize {

class Seen {
 public:
  // At most `most` slots of 8 bytes, a power of two; three of four can be in use. `key` makes fingerprints that nobody
  // can aim at.
  Seen(const Key& key, std::string_view label, std::size_t most);

  void add(std::uint64_t fingerprint);
  bool holds(std::uint64_t fingerprint) const;
  // Whether holds() means anything for it.
  bool follows(std::uint64_t fingerprint) const { return fingerprint <= limit_; }
  // One of so many is followed.
  std::uint64_t one_of() const { return one_of_; }

  std::uint64_t fingerprint(std::uint64_t high, std::uint64_t low) const;
  std::uint64_t fingerprint(const IpAddress& address) const;
  std::uint64_t fingerprint(std::string_view text) const;

 private:
  void insert(std::uint64_t fingerprint);
  void make_room();
  std::size_t slot_of(std::uint64_t fingerprint) const { return fingerprint & (slots_.size() - 1); }

  std::uint64_t seed_;
  std::size_t most_;
  std::vector<std::uint64_t> slots_;  // 0 = free
  std::size_t used_ = 0;
  std::uint64_t limit_ = ~std::uint64_t{0};
  std::uint64_t one_of_ = 1;
};

}  // namespace tcpaccept::anonymize
