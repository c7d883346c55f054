#include "summary/distinct.h"

#include <array>
#include <cmath>

namespace tcpaccept::summary {
namespace {

// Both are the limits of series, summed until nothing changes any more.
double sigma(double x) {
  double sum = x;
  double last = 0;
  for (double factor = 1; sum != last; factor *= 2) {
    x *= x;
    last = sum;
    sum += x * factor;
  }
  return sum;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double sum = 1 - x;
  double last = 0;
  for (double factor = 0.5; sum != last; factor /= 2) {
    x = std::sqrt(x);
    last = sum;
    sum -= (1 - x) * (1 - x) * factor;
  }
  return sum / 3;
}

}  // namespace

std::uint64_t Estimate::count() const {
  if (registers_.empty()) return 0;
  constexpr unsigned kMaxRank = 64 - kBits + 1;
  std::array<std::uint32_t, kMaxRank + 1> ranks{};
  for (const std::uint8_t rank : registers_) ++ranks[rank];
  constexpr auto kAll = static_cast<double>(kRegisters);
  double sum = kAll * tau(1 - ranks[kMaxRank] / kAll);
  for (unsigned rank = kMaxRank - 1; rank >= 1; --rank) sum = 0.5 * (sum + ranks[rank]);
  sum += kAll * sigma(ranks[0] / kAll);
  return static_cast<std::uint64_t>(std::llround(kAll * kAll / (2 * std::log(2.0)) / sum));
}

}  // namespace tcpaccept::summary
