// Quantiles of numbers of any size, each known to within 3 %: a count for each sixteenth of a power of two.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace tcpaccept::summary {

class Histogram {
 public:
  // In front of the places of values there is one for what is no value and is not counted, so that a loop over a column
  // needs no branch.
  static constexpr std::size_t kNoValue = 0;
  static constexpr std::size_t kMostPlaces = 977;

  static std::size_t place_of(std::uint64_t value) {
    // Up to 31 the value itself. No branch either: waits are short and long at random.
    const auto shift = static_cast<unsigned>(std::bit_width(value | 16)) - 5;
    return 1 + std::size_t{shift} * 16 + static_cast<std::size_t>(value >> shift);
  }

  // Where to count, for values up to `largest`; valid until the next call.
  std::uint64_t* places_up_to(std::uint64_t largest) {
    const std::size_t needed = place_of(largest) + 1;
    if (counts_.size() < needed) counts_.resize(needed);
    return counts_.data();
  }
  void add(const Histogram& other) {
    if (counts_.size() < other.counts_.size()) counts_.resize(other.counts_.size());
    for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

  std::uint64_t count() const;
  // A value below or at which a share of `quantile` (0 to 1) of them lies; 0 without values.
  std::uint64_t value_at(double quantile) const;

 private:
  std::vector<std::uint64_t> counts_;
};

}  // namespace tcpaccept::summary
