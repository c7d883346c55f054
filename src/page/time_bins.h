// The time axis of a page: bins of equal width, so few that a screen can show them, for any span of time.
//
// Bins begin at multiples of their width since 1970. When an instant does not fit, all bins become wider, by a whole
// factor, and neighbours are added up; so memory never grows, and times that go back (a clock was set) or make no sense
// cost nothing but resolution. A series keeps its bins in a ring: bin number modulo its size, whatever comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tcpaccept::page {

// Division that rounds towards the past; `divisor` > 0.
constexpr std::int64_t floor_divided(std::int64_t value, std::int64_t divisor) {
  const std::int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

// One figure, or a struct with +=, for each bin. Bins that were never reached are T{}.
template <typename T>
class Series {
 public:
  // `size`: a power of two, at least the number of bins between the first and the last.
  explicit Series(std::size_t size) : values_(size) {}

  T& operator[](std::int64_t bin) { return values_[static_cast<std::uint64_t>(bin) & (values_.size() - 1)]; }
  const T& operator[](std::int64_t bin) const {
    return values_[static_cast<std::uint64_t>(bin) & (values_.size() - 1)];
  }

  // Bins `first` to `last` become bins that are `factor` times as wide.
  void widen(std::int64_t first, std::int64_t last, std::int64_t factor) {
    std::vector<T> narrow(values_.size());
    narrow.swap(values_);
    const std::size_t mask = values_.size() - 1;
    for (std::int64_t bin = first; bin <= last; ++bin) {
      (*this)[floor_divided(bin, factor)] += narrow[static_cast<std::uint64_t>(bin) & mask];
    }
  }

 private:
  std::vector<T> values_;
};

// Which bin an instant lies in, and how wide bins are. Instants are nanoseconds since 1970.
class Axis {
 public:
  static constexpr std::size_t kMostBins = 8192;
  // As many fine bins make a coarse one, for what is too large to be kept for each fine bin.
  static constexpr std::int64_t kFinePerCoarse = 8;
  static constexpr std::size_t kMostCoarse = kMostBins / kFinePerCoarse;

  bool empty() const { return empty_; }
  std::int64_t width() const { return width_; }  // nanoseconds, of a fine bin
  std::int64_t bin(std::int64_t instant) const { return floor_divided(instant, width_); }
  static std::int64_t coarse(std::int64_t bin) { return floor_divided(bin, kFinePerCoarse); }
  std::int64_t first() const { return first_; }
  std::int64_t last() const { return last_; }

  // By what bins have to be widened, 1 = not at all, for `instant` to fit. The caller widens its series, from first()
  // to last(), before it calls add().
  std::int64_t factor_for(std::int64_t instant) const;
  // Makes room for `instant`.
  void add(std::int64_t instant);

 private:
  bool empty_ = true;
  std::int64_t width_ = 1'000'000;
  std::int64_t first_ = 0;  // bins
  std::int64_t last_ = 0;
};

}  // namespace tcpaccept::page
