// Crypto-PAn: prefix-preserving pseudonyms of addresses.
//
// J. Xu, J. Fan, M. Ammar, S. Moon: "Prefix-Preserving IP Address Anonymization", ICNP 2002. Each bit is turned or not
// as AES says of the bits before it. So two addresses that share exactly their first n bits have pseudonyms that share
// exactly their first n bits; the mapping is one to one, and whoever has the key can undo it. IPv6 takes 128 bits the
// same way, as other implementations do.
//
// An address costs one block of AES for each bit. Blocks of many addresses are encrypted at once, which the processor
// does some ten times faster than one by one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "anonymize/cipher.h"

namespace tcpaccept::anonymize {

// An address in the first bits of 128; `high` holds the first 64, its first bit is the most significant.
struct Bits {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Bits&) const = default;
};

class CryptoPan {
 public:
  explicit CryptoPan(const Key& key);

  // Of each value the bits from number `first` up to, not including, `last`; the others stay. With `first` above 0 that
  // is a mapping of the same kind within each prefix of so many bits.
  void permute(std::span<Bits> values, unsigned first, unsigned last);
  // Undoes it.
  void restore(std::span<Bits> values, unsigned first, unsigned last);

 private:
  void put_block(const Bits& value, unsigned position, std::size_t at);
  bool turns(std::size_t at) const { return blocks_[at * kBlock] >> 7 != 0; }

  Aes128 aes_;
  Bits pad_;
  std::vector<std::uint8_t> blocks_;
};

}  // namespace tcpaccept::anonymize
