#include "report/row_times.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/error.h"
#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

using text::Column;

constexpr std::uint64_t kMicrosecond = 1000;

// The table tells wall time in microseconds, CSV and JSON in nanoseconds.
std::uint64_t unit_of_wall(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return 1;
  const std::size_t end = text.find_first_not_of("0123456789", point + 1);
  return std::min(end, text.size()) - point - 1 == 6 ? kMicrosecond : 1;
}

}  // namespace

std::uint64_t RowTime::coarse(std::uint64_t time) const {
  const auto units = static_cast<std::int64_t>(unit);
  return column == Column::kTimeNs ? time : static_cast<std::uint64_t>(static_cast<std::int64_t>(time) / units * units);
}

std::optional<std::uint64_t> time_of(const std::vector<std::string>& fields, Column column) {
  const std::string_view text = fields[static_cast<std::size_t>(column)];
  if (column == Column::kTimeNs) {
    std::uint64_t time = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{time} : std::nullopt;
  }
  // Before the first row: a capture may hold sessions out of order.
  const bool before = column == Column::kTime && text.starts_with('-');
  const auto time =
      column == Column::kWallTime ? text::parse_wall(text) : text::parse_seconds(text.substr(before ? 1 : 0));
  if (!time) return std::nullopt;
  return static_cast<std::uint64_t>(before ? -*time : *time);
}

std::vector<RowTime> time_columns(const std::vector<std::string>& fields) {
  std::vector<RowTime> result;
  for (const Column column : {Column::kTimeNs, Column::kWallTime, Column::kTime}) {
    if (!time_of(fields, column)) continue;
    const std::uint64_t unit = column == Column::kTimeNs     ? 1
                               : column == Column::kWallTime ? unit_of_wall(fields[static_cast<std::size_t>(column)])
                                                             : kMicrosecond;
    result.push_back({column, unit});
  }
  return result;
}

std::uint64_t CaptureTimes::operator()(const capture::Batch& batch, std::uint32_t row) {
  if (!like_) return timeline_.key(batch, row);
  if (!first_) first_ = Timeline::instant(batch, row);
  switch (like_->column) {
    case Column::kTimeNs: return batch.time[row];
    case Column::kWallTime: return like_->coarse(static_cast<std::uint64_t>(batch.clock.wall(batch.time[row])));
    default: break;
  }
  return like_->coarse(batch.time[row] - static_cast<std::uint64_t>(timeline_.on_batch(*first_, batch.clock)));
}

void Ties::add(std::size_t rows) {
  if (added_ == end_) {
    end_ = added_ + rows;
    if (rows > 1) {
      if (ties_.size() >= kMost) {
        throw Error("more than " + std::to_string(kMost) +
                    " times at which several accepts came, to compare with a text that tells no times; give one that "
                    "does");
      }
      ties_.emplace_back(added_, end_);
    }
  }
  ++added_;
}

std::uint64_t Ties::next() {
  const std::uint64_t row = told_++;
  while (at_ < ties_.size() && ties_[at_].second <= row) ++at_;
  return at_ < ties_.size() && ties_[at_].first <= row ? ties_[at_].first : row;
}

}  // namespace tcpaccept::report
