#include "generate/generator.h"

#include <algorithm>
#include <array>

namespace tcpaccept::generate {
namespace {

// Wall time of the recording that never was: 2026-11-18T11:06:40Z at one day of CLOCK_MONOTONIC.
constexpr capture::ClockAnchor kClock{.monotonic = 86'400'000'000'000,
                                      .realtime = 1'795'000'000'000'000'000,
                                      .boottime = 86'400'000'000'000};

// So many accepts go missing in a hole: this part of all, within limits.
constexpr std::uint64_t kPartOfHole = 100;
constexpr std::uint64_t kMostInHole = 16384;

capture::ClockAnchor clock_at(std::uint64_t time) {
  return {.monotonic = time, .realtime = kClock.wall(time), .boottime = time};
}

}  // namespace

void Generator::run() {
  start();
  last_time_ = told_until_ = kClock.monotonic;
  const std::uint64_t holes = std::uint64_t{plan_.losses} + plan_.gaps;
  std::uint64_t made = 0;
  for (std::uint64_t hole = 0; hole <= holes; ++hole) {
    // Without overflow for any number of accepts.
    const auto share = static_cast<unsigned __int128>(plan_.accepts) * (hole + 1) / (holes + 1);
    for (const auto until = static_cast<std::uint64_t>(share); made < until; ++made) {
      const Accept accept = source_.next();
      last_time_ = accept.time;
      builder_.add(accept);
      if (builder_.size() == capture::kDefaultBatchEvents) flush();
    }
    flush();
    // Gaps and losses take turns as evenly as they can.
    if (hole < holes) make_hole((hole + 1) * plan_.gaps / holes != hole * plan_.gaps / holes);
  }
  end();
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

void Generator::flush() {
  if (builder_.empty()) return;
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

void Generator::make_hole(bool gap) {
  const std::uint64_t missing = std::clamp<std::uint64_t>(plan_.accepts / kPartOfHole, 1, kMostInHole);
  capture::Batch batch;
  std::array<std::uint64_t, AcceptSource::kCpus> by_cpu{};
  for (std::uint64_t i = 0; i < missing; ++i) {
    const Accept accept = source_.next();
    ++by_cpu[accept.cpu];
    last_time_ = accept.time;
  }
  batch.first_event = written_;
  batch.clock = clock_at(last_time_);
  batch.ledger = capture::Ledger{.begin = told_until_, .end = last_time_};
  if (gap) {
    batch.gaps = {{.begin = told_until_, .end = last_time_, .reason = GapReason::kProbesOff}};
  } else {
    batch.ledger->hits = batch.ledger->lost = missing;
    for (std::size_t cpu = 0; cpu < by_cpu.size(); ++cpu) {
      if (by_cpu[cpu] != 0) batch.cpu_losses.push_back({static_cast<std::uint16_t>(cpu), by_cpu[cpu]});
    }
  }
  write_(encoder_.encode(batch, plan_.packing));
  told_until_ = last_time_;
  ++batches_;
}

void Generator::end() {
  write_(encoder_.encode(capture::End{.clock = clock_at(last_time_), .written = written_, .batches = batches_, .reason = "count"}));
}

}  // namespace tcpaccept::generate
