#include "report/merge.h"

#include <algorithm>
#include <functional>

#include "text/prepared.h"

namespace tcpaccept::report {

void Timeline::note_session(const std::string& boot_id) {
  if (!any_) {
    boot_id_ = boot_id;
    any_ = true;
  } else if (boot_id.empty() || boot_id != boot_id_) {
    by_wall_ = true;
  }
}

std::uint64_t Timeline::key(const capture::Batch& batch, std::uint32_t row) const {
  if (!by_wall_) return batch.time[row];
  // With the sign bit turned, signed instants order as unsigned keys.
  return (batch.time[row] + text::wall_shift(batch.clock)) ^ std::uint64_t{1} << 63;
}

capture::WideTime Timeline::on_batch(const Instant& instant, const capture::ClockAnchor& clock) const {
  return by_wall_ ? capture::WideTime{instant.wall} - clock.realtime + clock.monotonic : capture::WideTime{instant.monotonic};
}

Instant Timeline::instant(const capture::Batch& batch, std::uint32_t row) {
  return {.monotonic = batch.time[row], .wall = batch.clock.wall(batch.time[row])};
}

Merge::Merge(std::vector<Feed*> feeds, const Timeline& timeline)
    : feeds_(std::move(feeds)), timeline_(timeline), next_row_(feeds_.size(), 0) {}

Merge::Head Merge::head_of(std::size_t feed) const {
  return {timeline_.key(feeds_[feed]->batch(), feeds_[feed]->rows()[next_row_[feed]]), feed};
}

void Merge::enter(std::size_t feed) {
  heads_.push_back(head_of(feed));
  std::push_heap(heads_.begin(), heads_.end(), std::greater<>());
}

// Where the rows of `feed` stop coming before the earliest of the others: doubling steps, then bisection, so that
// both long runs and finely interleaved inputs are cheap.
std::size_t Merge::end_of_run(std::size_t feed) const {
  const text::Selection rows = feeds_[feed]->rows();
  if (heads_.empty()) return rows.size();
  const Head& other = heads_.front();
  const capture::Batch& batch = feeds_[feed]->batch();
  const auto belongs = [&](std::uint32_t row) { return other > Head{timeline_.key(batch, row), feed}; };
  std::size_t end = next_row_[feed] + 1;
  std::size_t step = 1;
  while (end + step <= rows.size() && belongs(rows[end + step - 1])) {
    end += step;
    step *= 2;
  }
  const auto from = rows.begin() + static_cast<std::ptrdiff_t>(end);
  const auto to = rows.begin() + static_cast<std::ptrdiff_t>(std::min(end + step, rows.size()));
  return static_cast<std::size_t>(std::partition_point(from, to, belongs) - rows.begin());
}

bool Merge::next(Run& run) {
  if (!started_) {
    started_ = true;
    for (std::size_t feed = 0; feed < feeds_.size(); ++feed) {
      if (feeds_[feed]->advance()) heads_.push_back({0, feed});
    }
    heads_by_wall_ = !timeline_.by_wall();  // makes the keys below
  } else if (any_running_) {
    if (next_row_[running_] < feeds_[running_]->rows().size()) {
      enter(running_);
    } else if (feeds_[running_]->advance()) {
      next_row_[running_] = 0;
      enter(running_);
    }
  }
  if (heads_by_wall_ != timeline_.by_wall()) {
    heads_by_wall_ = timeline_.by_wall();
    for (Head& head : heads_) head = head_of(head.feed);
    std::make_heap(heads_.begin(), heads_.end(), std::greater<>());
  }
  any_running_ = !heads_.empty();
  if (!any_running_) return false;

  std::pop_heap(heads_.begin(), heads_.end(), std::greater<>());
  running_ = heads_.back().feed;
  heads_.pop_back();

  const text::Selection rows = feeds_[running_]->rows();
  const std::size_t begin = next_row_[running_];
  const std::size_t end = end_of_run(running_);
  next_row_[running_] = end;
  run = {.feed = running_,
         .batch = &feeds_[running_]->batch(),
         .rows = rows.subspan(begin, end - begin),
         .begins_batch = begin == 0,
         .ends_batch = end == rows.size()};
  return true;
}

}  // namespace tcpaccept::report
