#include "summary/over_time.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "text/wall_time.h"

namespace tcpaccept::summary {
namespace {

constexpr std::size_t kBar = 40;
// So many intervals in a row without accepts and without holes are one line of the table.
constexpr std::int64_t kIdle = 5;

enum Field : std::size_t { kBegin, kEnd, kAccepts, kPerSecond, kIncomplete, kBarField, kFields };

// In the order of the enumeration; new ones are appended.
constexpr std::array<SheetColumn, kFields> kColumns{{
    {"begin", "TIME(UTC)"},
    {"end"},
    {"accepts", "ACCEPTS", true},
    {"per_second", "RATE/s", true},
    {"incomplete", " "},
    {"bar", " "},  // of the table only
}};

std::int64_t floor_of_quotient(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Instants at the very ends of the clock wrap around.
std::int64_t begin_of(std::int64_t number, std::int64_t interval) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(number) * static_cast<std::uint64_t>(interval));
}

// The digits of a second that intervals of this length need.
int digits_of(std::int64_t interval) {
  for (int digits = 0; digits < 9; digits += 3) {
    std::int64_t unit = 1'000'000'000;
    for (int i = 0; i < digits; ++i) unit /= 10;
    if (interval % unit == 0) return digits;
  }
  return 9;
}

}  // namespace

capture::Columns OverTime::columns() const { return capture::columns_of(capture::ColumnId::kTime); }

std::int64_t OverTime::number_of(std::int64_t wall) const { return floor_of_quotient(wall, interval_); }

void OverTime::add(const capture::Batch& batch, text::Selection rows) {
  while (!rows.empty()) {
    const std::uint64_t begin = batch.time[rows.front()];
    const std::int64_t wall = batch.clock.wall(begin);
    const std::int64_t number = number_of(wall);
    // What is left of the interval, on the clock that only runs forwards.
    const auto left = static_cast<std::uint64_t>(interval_ - (wall % interval_ + interval_) % interval_);
    const auto end = std::partition_point(rows.begin(), rows.end(),
                                          [&](std::uint32_t row) { return batch.time[row] - begin < left; });
    const std::int64_t first = std::min(first_, number);
    const std::int64_t last = std::max(last_, number);
    if (static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) >= static_cast<std::uint64_t>(kIntervals)) {
      throw Error("--rate: more than " + std::to_string(kIntervals) +
                  " intervals from the first accept to the last; give a longer INTERVAL, or less time with --since and "
                  "--until");
    }
    first_ = first;
    last_ = last;
    const std::int64_t group = floor_of_quotient(number, kGroup);
    const auto count = static_cast<std::size_t>(end - rows.begin());
    groups_[group][static_cast<std::size_t>(number - group * kGroup)] += count;
    rows = rows.subspan(count);
  }
}

void OverTime::mark(std::int64_t begin, std::int64_t end) {
  std::int64_t from = number_of(begin);
  std::int64_t to = number_of(std::max(begin, end));
  // Those that overlap become one.
  auto at = marks_.upper_bound(from);
  if (at != marks_.begin() && std::prev(at)->second >= from) --at;
  while (at != marks_.end() && at->first <= to) {
    from = std::min(from, at->first);
    to = std::max(to, at->second);
    at = marks_.erase(at);
  }
  marks_[from] = to;
  if (marks_.size() <= kMarks) return;
  all_marked_ = true;
  marks_.clear();
}

bool OverTime::marked(std::int64_t number) const {
  if (all_marked_) return true;
  const auto behind = marks_.upper_bound(number);
  return behind != marks_.begin() && std::prev(behind)->second >= number;
}

std::uint64_t OverTime::count_of(std::int64_t number) const {
  const std::int64_t group = floor_of_quotient(number, kGroup);
  const auto at = groups_.find(group);
  return at == groups_.end() ? 0 : at->second[static_cast<std::size_t>(number - group * kGroup)];
}

std::uint64_t OverTime::largest() const {
  std::uint64_t largest = 0;
  for (const auto& [number, group] : groups_) largest = std::max(largest, *std::max_element(group.begin(), group.end()));
  return largest;
}

void OverTime::write(text::Format format, const Holes&, const Emit& emit) {
  const bool table = format == text::Format::kTable;
  Sheet sheet(format, std::span{kColumns}.first(table ? kFields : kBarField), emit);
  const std::uint64_t largest = this->largest();
  const double seconds = static_cast<double>(interval_) / 1e9;
  const int digits = digits_of(interval_);
  const auto per_second = [&](std::uint64_t count) { return number(static_cast<double>(count) / seconds, 3); };
  // Rows leave before all are known, so their widths are set beforehand.
  sheet.widen(kAccepts, std::to_string(largest).size());
  sheet.widen(kPerSecond, per_second(largest).shown.size());
  sheet.widen(kBegin, text::wall_text(0, digits).size());

  constexpr std::int64_t kRowsHeld = 1024;
  std::int64_t held = 0;
  bool any_marked = false;
  for (std::int64_t number = first_; number <= last_; ++number) {
    const std::uint64_t count = count_of(number);
    const bool incomplete = marked(number);
    const std::int64_t begin = begin_of(number, interval_);
    if (table && count == 0 && !incomplete) {
      std::int64_t end = number;
      while (count_of(end) == 0 && !marked(end)) ++end;  // the last interval has accepts
      if (end - number >= kIdle) {
        sheet.say(text::wall_text(begin, digits) + "  no accepts in " + std::to_string(end - number) + " intervals");
        number = end - 1;
        continue;
      }
    }
    any_marked = any_marked || incomplete;
    std::vector<Cell> row{words(text::wall_text(begin), text::wall_text(begin, digits)),
                          words(text::wall_text(begin_of(number + 1, interval_))), summary::number(count), per_second(count),
                          flag(incomplete)};
    if (table) {
      row[kIncomplete].shown = incomplete ? "!" : " ";
      const double share = static_cast<double>(count) / static_cast<double>(largest);
      const auto bar = static_cast<std::size_t>(std::lround(share * kBar));
      row.push_back(words("", std::string(count == 0 ? 0 : std::max<std::size_t>(1, bar), '#') + " "));
    }
    sheet.add(std::move(row));
    if (++held % kRowsHeld == 0) sheet.flush();
  }
  sheet.flush();
  if (any_marked) sheet.say("! accepts are missing here, or may be");
}

}  // namespace tcpaccept::summary
