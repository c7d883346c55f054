// How many different values there were, in bounded memory.
#pragma once

#include <cstdint>
#include <vector>

#include "summary/key_index.h"

namespace tcpaccept::summary {

// An estimate from 4 KiB, standard error 1.6 % (HyperLogLog; Flajolet et al. 2007, with the estimator of Ertl 2017,
// "New cardinality estimation algorithms for HyperLogLog sketches", which needs no tables of corrections).
class Estimate {
 public:
  // `hash`: of the value, by spread().
  void add(std::uint64_t hash) {
    if (registers_.empty()) registers_.resize(kRegisters);
    const auto rank = static_cast<std::uint8_t>(__builtin_clzll(hash << kBits | std::uint64_t{1} << (kBits - 1)) + 1);
    std::uint8_t& highest = registers_[hash >> (64 - kBits)];
    if (highest < rank) highest = rank;
  }
  bool empty() const { return registers_.empty(); }
  std::uint64_t count() const;

 private:
  static constexpr unsigned kBits = 12;
  static constexpr std::size_t kRegisters = std::size_t{1} << kBits;

  std::vector<std::uint8_t> registers_;  // the most leading zeros seen plus one; none until there is a value
};

// Exact up to a limit, from there on an estimate.
class Distinct {
 public:
  explicit Distinct(std::uint32_t exact_up_to) : values_(exact_up_to) {}

  void add(const Key& key) {
    if (values_.add(key) == KeyIndex::kNone) rest_.add(spread(key));
  }
  // The values that found a place are counted, the others are estimated: a value is always one or the other.
  std::uint64_t count() const { return values_.size() + (exact() ? 0 : rest_.count()); }
  bool exact() const { return rest_.empty(); }

 private:
  KeyIndex values_;
  Estimate rest_;
};

}  // namespace tcpaccept::summary
