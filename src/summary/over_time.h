// --rate INTERVAL: accepts in each interval of wall time, with a bar, and where accepts are missing.
//
// Intervals begin at multiples of their length since 1970, so those of several captures fall together. At most 1,048,576
// intervals, from that of the first accept to that of the last.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>

#include "summary/summary.h"

namespace tcpaccept::summary {

class OverTime final : public Summary {
 public:
  static constexpr std::int64_t kIntervals = 1 << 20;
  static constexpr std::int64_t kShortest = 1000;
  static constexpr std::int64_t kLongest = std::int64_t{1000} * 86'400 * 1'000'000'000;  // 1,000 days

  // `interval`: nanoseconds, kShortest to kLongest.
  explicit OverTime(std::int64_t interval) : interval_(interval) {}

  capture::Columns columns() const override;
  void add(const capture::Batch& batch, text::Selection rows) override;
  void mark(std::int64_t begin, std::int64_t end) override;
  void write(text::Format format, const Holes& holes, const Emit& emit) override;

 private:
  // Counts of neighbours; one that is not there holds zeros.
  static constexpr std::int64_t kGroup = 256;
  using Group = std::array<std::uint64_t, kGroup>;
  // Holes after so many make every interval doubtful.
  static constexpr std::size_t kMarks = 65536;

  std::int64_t number_of(std::int64_t wall) const;
  std::uint64_t count_of(std::int64_t number) const;
  std::uint64_t largest() const;
  bool marked(std::int64_t number) const;

  std::int64_t interval_;
  std::map<std::int64_t, Group> groups_;  // by the number of the interval / kGroup
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();  // numbers of intervals
  std::int64_t last_ = std::numeric_limits<std::int64_t>::min();
  std::map<std::int64_t, std::int64_t> marks_;  // begin to end (both included), apart from each other
  bool all_marked_ = false;
};

}  // namespace tcpaccept::summary
