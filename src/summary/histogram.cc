#include "summary/histogram.h"

#include <cmath>
#include <numeric>

namespace tcpaccept::summary {
namespace {

// The middle of the values that share a place.
std::uint64_t middle_of(std::size_t place) {
  const std::size_t index = place - 1;
  if (index < 32) return index;
  const unsigned power = static_cast<unsigned>(index / 16) + 3;
  const std::uint64_t width = std::uint64_t{1} << (power - 4);
  return (16 + index % 16) * width + width / 2;
}

}  // namespace

std::uint64_t Histogram::count() const {
  if (counts_.empty()) return 0;
  return std::accumulate(counts_.begin() + 1, counts_.end(), std::uint64_t{0});
}

std::uint64_t Histogram::value_at(double quantile) const {
  const std::uint64_t all = count();
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(all))));
  std::uint64_t below = 0;
  for (std::size_t place = 1; place < counts_.size(); ++place) {
    below += counts_[place];
    if (below >= wanted) return middle_of(place);
  }
  return 0;
}

}  // namespace tcpaccept::summary
