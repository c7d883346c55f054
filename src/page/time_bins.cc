#include "page/time_bins.h"

#include <algorithm>
#include <array>

namespace tcpaccept::page {
namespace {

// Widths that people count in, each a multiple of the one before.
constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMs;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::array kWidths{kMs,          2 * kMs,      10 * kMs,    20 * kMs,   100 * kMs,    200 * kMs,    kSecond,
                             2 * kSecond,  10 * kSecond, 20 * kSecond, kMinute,   2 * kMinute,  10 * kMinute, 20 * kMinute,
                             kHour,        2 * kHour,    6 * kHour,   12 * kHour, 24 * kHour};

std::int64_t next_width(std::int64_t width) {
  const auto* const wider = std::upper_bound(kWidths.begin(), kWidths.end(), width);
  return wider != kWidths.end() ? *wider : 2 * width;
}

}  // namespace

std::int64_t Axis::factor_for(std::int64_t instant) const {
  if (empty_) return 1;
  std::int64_t width = width_;
  for (;;) {
    const std::int64_t factor = width / width_;
    const std::int64_t bin = floor_divided(instant, width);
    const std::int64_t first = std::min(bin, floor_divided(first_, factor));
    const std::int64_t last = std::max(bin, floor_divided(last_, factor));
    if (coarse(last) - coarse(first) < static_cast<std::int64_t>(kMostCoarse)) return factor;
    width = next_width(width);
  }
}

void Axis::add(std::int64_t instant) {
  const std::int64_t factor = factor_for(instant);
  width_ *= factor;
  const std::int64_t at = bin(instant);
  first_ = empty_ ? at : std::min(at, floor_divided(first_, factor));
  last_ = empty_ ? at : std::max(at, floor_divided(last_, factor));
  empty_ = false;
}

}  // namespace tcpaccept::page
