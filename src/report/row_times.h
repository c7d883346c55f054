// By which times two sides of a comparison have their rows ordered. Rows of one instant are simultaneous
// (compare/canonical.h); a stored text may tell the time less finely than a capture, or not at all, and both sides need
// one rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/model.h"
#include "report/merge.h"
#include "text/columns.h"

namespace tcpaccept::report {

// A column that tells a row's time, and how finely.
struct RowTime {
  text::Column column = text::Column::kTimeNs;  // or kWallTime, or kTime
  std::uint64_t unit = 1;                       // nanoseconds

  std::uint64_t coarse(std::uint64_t time) const;
};

// A row of a text; fields have the order of the enumeration. Nothing: it does not tell, or not in this column.
std::optional<std::uint64_t> time_of(const std::vector<std::string>& fields, text::Column column);
// Those that tell, the finest first.
std::vector<RowTime> time_columns(const std::vector<std::string>& fields);

// Of the rows of captures as a text would have it; without a column, the key of the timeline.
class CaptureTimes {
 public:
  // Borrows the timeline.
  CaptureTimes(std::optional<RowTime> like, const Timeline& timeline) : like_(like), timeline_(timeline) {}
  std::uint64_t operator()(const capture::Batch& batch, std::uint32_t row);

 private:
  std::optional<RowTime> like_;
  const Timeline& timeline_;
  std::optional<Instant> first_;
};

// Which rows of one side are simultaneous, for another that does not tell: its rows at the same places are, then.
class Ties {
 public:
  // Each is two numbers; more are refused: memory is bounded.
  static constexpr std::size_t kMost = 1'000'000;

  // The next row is the first of `rows` that are simultaneous, or belongs to those before it. Throws Error.
  void add(std::size_t rows);
  // A number that the next row shares with those that are simultaneous with it, and only with those.
  std::uint64_t next();

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ties_;  // of more than one row: the first, one past the last
  std::uint64_t added_ = 0;
  std::uint64_t end_ = 0;  // of the tie added last
  std::size_t at_ = 0;     // of next()
  std::uint64_t told_ = 0;
};

}  // namespace tcpaccept::report
