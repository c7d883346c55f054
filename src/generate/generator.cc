#include "generate/generator.h"

#include <algorithm>
#include <numeric>

namespace tcpaccept::generate {
namespace {

// Wall time of the recording that never was: 2026-11-18T11:06:40Z at one day of CLOCK_MONOTONIC.
constexpr capture::ClockAnchor kClock{.monotonic = 86'400'000'000'000,
                                      .realtime = 1'795'000'000'000'000'000,
                                      .boottime = 86'400'000'000'000};

// So many accepts go missing in a hole, or so much time: this part of all, within limits.
constexpr std::uint64_t kPartOfHole = 100;
constexpr std::uint64_t kMostInHole = 16384;

capture::ClockAnchor clock_at(std::uint64_t time) {
  return {.monotonic = time, .realtime = kClock.wall(time), .boottime = time};
}

std::uint64_t holes_of(const Plan& plan) { return std::uint64_t{plan.losses} + plan.gaps; }

// Without overflow for any number.
std::uint64_t part(std::uint64_t whole, std::uint64_t parts, std::uint64_t of) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(whole) * parts / of);
}

}  // namespace

void Generator::run() {
  start();
  last_time_ = told_until_ = kClock.monotonic;
  if (plan_.duration) {
    run_by_time(*plan_.duration);
  } else {
    run_by_count();
  }
  end();
}

void Generator::run_by_count() {
  const std::uint64_t holes = holes_of(plan_);
  const std::uint64_t missing = std::clamp<std::uint64_t>(plan_.accepts / kPartOfHole, 1, kMostInHole);
  std::uint64_t made = 0;
  for (std::uint64_t hole = 0; hole <= holes; ++hole) {
    const std::uint64_t until = part(plan_.accepts, hole + 1, holes + 1);
    for (; made < until; ++made) add(source_.next());
    flush();
    if (hole == holes) break;
    Missing by_cpu{};
    for (std::uint64_t i = 0; i < missing; ++i) {
      const Accept accept = source_.next();
      ++by_cpu[accept.cpu];
      last_time_ = accept.time;
    }
    write_hole(is_gap(hole), by_cpu);
  }
}

void Generator::run_by_time(std::uint64_t duration) {
  const std::uint64_t holes = holes_of(plan_);
  // No longer than the stretches between them, which have the rest of the time.
  const auto most = static_cast<std::uint64_t>(static_cast<double>(kMostInHole) * plan_.workload.mean_gap_ns);
  const std::uint64_t length = std::min({duration / kPartOfHole, duration / (2 * holes + 1), most});
  const std::uint64_t seen = duration - length * holes;
  Accept next = source_.next();
  for (std::uint64_t hole = 0; hole <= holes; ++hole) {
    const std::uint64_t until = kClock.monotonic + length * hole + part(seen, hole + 1, holes + 1);
    for (; next.time <= until; next = source_.next()) add(next);
    last_time_ = until;
    flush();
    if (hole == holes) break;
    last_time_ += length;
    // A loss without an accept is none: where none comes in its time, the next one does.
    Missing by_cpu{};
    const bool gap = is_gap(hole);
    for (bool any = gap; next.time <= last_time_ || !any; next = source_.next(), any = true) ++by_cpu[next.cpu];
    write_hole(gap, by_cpu);
  }
}

void Generator::add(const Accept& accept) {
  last_time_ = accept.time;
  builder_.add(accept);
  if (builder_.size() == capture::kDefaultBatchEvents) flush();
}

// Gaps and losses take turns as evenly as they can.
bool Generator::is_gap(std::uint64_t hole) const {
  const std::uint64_t holes = holes_of(plan_);
  return (hole + 1) * plan_.gaps / holes != hole * plan_.gaps / holes;
}

void Generator::start() {
  capture::Start start;
  start.recorder = "tcpaccept-generate " TCPACCEPT_VERSION;
  start.host = "made-up";
  start.kernel = "none";
  start.machine = "none";
  start.distribution = "none";
  start.boot_id = "00000000-0000-0000-0000-000000000000";
  start.cpus = AcceptSource::kCpus;
  start.probe.notes = {"made up by tcpaccept-generate: nothing of this happened"};
  start.clock = kClock;
  write_(encoder_.encode(start));
}

// All up to last_time_, be it that nothing came.
void Generator::flush() {
  if (last_time_ == told_until_) return;
  const std::uint64_t size = builder_.size();
  capture::Batch& batch = builder_.finish(
      clock_at(last_time_),
      capture::Ledger{.begin = told_until_, .end = last_time_, .hits = size, .written = size});
  batch.first_event = written_;
  write_(encoder_.encode(batch, plan_.packing));
  told_until_ = last_time_;
  written_ += size;
  ++batches_;
  builder_.clear();
}

void Generator::write_hole(bool gap, const Missing& missing) {
  capture::Batch batch;
  batch.first_event = written_;
  batch.clock = clock_at(last_time_);
  batch.ledger = capture::Ledger{.begin = told_until_, .end = last_time_};
  if (gap) {
    batch.gaps = {{.begin = told_until_, .end = last_time_, .reason = GapReason::kProbesOff}};
  } else {
    batch.ledger->hits = batch.ledger->lost = std::accumulate(missing.begin(), missing.end(), std::uint64_t{0});
    for (std::size_t cpu = 0; cpu < missing.size(); ++cpu) {
      if (missing[cpu] != 0) batch.cpu_losses.push_back({static_cast<std::uint16_t>(cpu), missing[cpu]});
    }
  }
  write_(encoder_.encode(batch, plan_.packing));
  told_until_ = last_time_;
  ++batches_;
}

void Generator::end() {
  write_(encoder_.encode(capture::End{.clock = clock_at(last_time_), .written = written_, .batches = batches_,
                                     .reason = plan_.duration ? "duration" : "count"}));
}

}  // namespace tcpaccept::generate
