// Pseudonyms of numbers: process ids, inode numbers, ports.
//
// A keyed permutation of the numbers of so many bits: a balanced Feistel network of ten rounds, as in NIST SP
// 800-38G, with AES as the round's function. 0 stays 0 ("not recorded", "outside the recorder's namespace"). Small
// numbers stay small, so that a pid looks like one: those below 2^small are permuted among themselves, and so are
// those above.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "anonymize/cipher.h"

namespace tcpaccept::anonymize {

// Not thread safe: one for each thread.
class Renumbering {
 public:
  struct Range {
    std::uint64_t kept = 1;  // numbers below this stay
    unsigned small = 32;     // bits, even
    unsigned all = 32;       // bits, even; not below `small`
  };

  Renumbering(const Key& key, std::string_view label, Range range);

  void map(std::span<std::uint64_t> numbers);
  std::uint64_t map(std::uint64_t number);
  // In place, whatever type holds them.
  template <typename Number>
  void map_column(std::span<Number> column) {
    wide_.assign(column.begin(), column.end());
    map(wide_);
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<Number>(wide_[i]);
  }

 private:
  int class_of(std::uint64_t number) const;
  void permute(std::span<std::uint64_t> numbers, unsigned bits);

  Aes128 aes_;
  Range range_;
  std::vector<std::uint64_t> wide_;
  std::vector<std::uint64_t> walking_;
  std::vector<std::uint32_t> places_;
  std::vector<std::uint8_t> blocks_;
};

}  // namespace tcpaccept::anonymize
