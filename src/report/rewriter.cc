#include "report/rewriter.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "report/input.h"

namespace tcpaccept::report {
namespace {

// Two readings of the clocks put wall time at most so far apart without a clock having been set.
constexpr std::uint64_t kSameClock = 10'000;

// So many gaps, or losses of CPUs, are written at the latest: lists do not grow without end, and a frame holds 65,535.
constexpr std::size_t kMostListed = 1000;

bool same_clock(const capture::ClockAnchor& a, const capture::ClockAnchor& b, std::uint64_t apart) {
  const auto shift = [](const capture::ClockAnchor& clock) { return static_cast<std::uint64_t>(clock.wall(0)); };
  return shift(a) - shift(b) + apart <= 2 * apart;
}

}  // namespace

Observer Rewriter::observer(std::size_t input) {
  Source& source = sources_[input];
  return {.start = [this](const capture::Start& from) { start(from); },
          .batch = [this, &source](const capture::BatchFrame& batch,
                                   std::uint64_t skipped) { see(source, batch, skipped); },
          .account = [this, &source](const Account& account) { add(source, account); },
          .damage = [&source](const capture::Damage&) { source.damaged = true; },
          .spoilt =
              [this](const Spoilt& spoilt) {
                gaps_.push_back({.begin = on_output(spoilt.first_time, spoilt.clock),
                                 .end = on_output(spoilt.last_time, spoilt.clock),
                                 .reason = GapReason::kDamage,
                                 .at_most = spoilt.events});
              },
          .session = [this, &source](const SessionTotals& session) { over(source, session); }};
}

void Rewriter::put(Bytes frame) {
  any_frame_ = true;
  put_frame_(frame);
}

std::uint64_t Rewriter::on_output(std::uint64_t time, const capture::ClockAnchor& clock) const {
  return by_wall_ ? static_cast<std::uint64_t>(clock.wall(time)) : time;
}

capture::ClockAnchor Rewriter::on_output(const capture::ClockAnchor& clock) const {
  if (!by_wall_) return clock;
  return {static_cast<std::uint64_t>(clock.realtime), clock.realtime, static_cast<std::uint64_t>(clock.realtime)};
}

void Rewriter::start(const capture::Start& start) {
  if (!merge_) return put(encoder_.encode(start));
  if (begun_) return;
  // Which clock they have in common is known when all are open.
  if (!first_ || start.clock.monotonic < first_->clock.monotonic) first_ = start;
  if (!first_by_wall_ || start.clock.realtime < first_by_wall_->clock.realtime) first_by_wall_ = start;
}

void Rewriter::begin() {
  if (!merge_) return;
  begun_ = true;
  by_wall_ = timeline_.by_wall();
  if (!first_) return;
  capture::Start& start = by_wall_ ? *first_by_wall_ : *first_;
  start.probe.notes.push_back("this capture is a merge; what is said of host and probe is of its first part");
  start.clock = on_output(start.clock);
  begin_ = start.clock.monotonic;
  put(encoder_.encode(start));
}

void Rewriter::see(Source& source, const capture::BatchFrame& batch, std::uint64_t skipped) {
  const capture::ClockAnchor& clock = batch.tables->clock;
  if (batch.events != 0) {
    source.numbered = source.numbered && batch.tables->first_event != kNotRecorded64;
    if (source.damaged || skipped != 0) {
      const bool counted = batch.tables->first_event != kNotRecorded64;
      add_gap(source, GapReason::kDamage, batch.first_time, counted ? skipped : kNotRecorded64, clock);
      source.damaged = false;
    }
    source.last_time = batch.last_time;
  }
}

void Rewriter::add_gap(const Source& source, GapReason reason, std::uint64_t end, std::uint64_t at_most,
                       const capture::ClockAnchor& clock) {
  if (at_most == 0) return;  // by its numbers nothing is missing
  const std::uint64_t begin = source.last_time != 0 ? std::min(source.last_time, end) : end;
  gaps_.push_back({.begin = on_output(begin, clock),
                   .end = on_output(end, clock),
                   .reason = reason,
                   .at_most = at_most});
}

void Rewriter::add(Source& source, const Account& account) {
  last_clock_ = on_output(account.clock);
  for (Gap gap : account.gaps) {
    gap.begin = on_output(gap.begin, account.clock);
    gap.end = on_output(gap.end, account.clock);
    gaps_.push_back(gap);
    if (gaps_.size() >= kMostListed) flush(false);
  }
  if (account.ledger) {
    const capture::Ledger& ledger = *account.ledger;
    source.last_time = std::max(source.last_time, ledger.end);
    if (!any_ledger_) told_until_ = on_output(ledger.begin, account.clock);
    any_ledger_ = true;
    until_ = std::max(until_, on_output(ledger.end, account.clock));
    sum_.hits += ledger.hits - std::min(ledger.hits, ledger.lost);
    sum_.filtered += ledger.filtered;
    sum_.written += ledger.written;
    if (!ledger.complete()) return add_hole(account, ledger);
  }
  for (const capture::CpuLoss& loss : account.cpu_losses) {
    cpu_losses_[loss.cpu] += loss.lost;
    if (cpu_losses_.size() >= kMostListed) flush(false);
  }
}

// A slice in which accepts were lost stays as it is, in a batch without accepts: together with others, or merged with
// another input's, nobody would know any more when it was. It has no number: it is no form of the batch that follows.
void Rewriter::add_hole(const Account& account, const capture::Ledger& ledger) {
  capture::Batch batch;
  batch.clock = *last_clock_;
  batch.ledger = capture::Ledger{.begin = on_output(ledger.begin, account.clock),
                                 .end = on_output(ledger.end, account.clock),
                                 .hits = ledger.lost,
                                 .misses = ledger.misses,
                                 .lost = ledger.lost};
  batch.cpu_losses = account.cpu_losses;
  put(encoder_.encode(batch, packing_));
  ++batches_;
}

bool Rewriter::fits(const capture::ClockAnchor& clock, const Accept& accept, std::string_view path) const {
  if (builder_.empty()) return true;
  if (!same_clock(*clock_, clock, exact_ ? 0 : kSameClock)) return false;
  if (exact_ && accept.time < last_time_) return false;
  const auto known = cgroups_.find(accept.listener.cgroup);
  return known == cgroups_.end() || known->second == path;
}

void Rewriter::append(const Run& run, const std::shared_ptr<const void>&) {
  const capture::Batch& batch = *run.batch;
  if (merge_ && by_wall_ != timeline_.by_wall()) {
    throw Error("the captures turn out to be of several boots; give those of each boot, or each alone");
  }
  const capture::ClockAnchor clock = on_output(batch.clock);
  for (const std::uint32_t row : run.rows) {
    Accept accept = batch.at(row);
    accept.time = on_output(accept.time, batch.clock);
    const std::string_view path = batch.cgroup_path(accept.listener.cgroup);
    if (!fits(clock, accept, path)) flush(false);
    if (builder_.empty() || clock.monotonic > clock_->monotonic) clock_ = clock;
    if (exact_ || !path.empty()) cgroups_.try_emplace(accept.listener.cgroup, path);
    builder_.add(accept);
    last_time_ = accept.time;
    if (builder_.size() >= capture::kDefaultBatchEvents) flush(false);
  }
}

void Rewriter::flush(bool last) {
  if (!builder_.empty()) last_clock_ = clock_;
  if (!last_clock_) return;
  const std::uint64_t events = builder_.size();
  std::optional<capture::Ledger> ledger;
  if (any_ledger_) {
    const std::uint64_t now = written_ + events;
    ledger = capture::Ledger{.begin = told_until_,
                             .end = std::max(until_, told_until_),
                             .hits = sum_.hits - told_.hits,
                             .filtered = sum_.filtered - told_.filtered,
                             .written = now - told_.written};
    // Which of them are left out for good is known at the end.
    if (last && sum_.written > now) ledger->filtered += sum_.written - now;
    told_ = sum_;
    told_.written = now;
    told_until_ = ledger->end;
  }
  const bool silent = !ledger || (ledger->hits == 0 && ledger->filtered == 0 && ledger->complete());
  if (events == 0 && gaps_.empty() && cpu_losses_.empty() && silent) return;
  capture::Batch& batch = builder_.finish(*last_clock_, ledger);
  // Without events it would be taken for a form of the batch that follows.
  batch.first_event = events != 0 ? written_ : kNotRecorded64;
  batch.gaps = std::exchange(gaps_, {});
  batch.cpu_losses.clear();
  for (const auto& [cpu, lost] : std::exchange(cpu_losses_, {})) batch.cpu_losses.push_back({cpu, lost});
  batch.cgroups.clear();
  for (const auto& [id, path] : std::exchange(cgroups_, {})) {
    if (!path.empty()) batch.cgroups.push_back({id, path});
  }
  put(encoder_.encode(batch, packing_));
  written_ += events;
  ++batches_;
  builder_.clear();
}

// What is missing in a session would be forgotten with the end that is written now, and in a merge with the start.
void Rewriter::over(Source& source, const SessionTotals& session) {
  if (session.last_clock) {
    const capture::ClockAnchor& clock = *session.last_clock;
    if (source.damaged) add_gap(source, GapReason::kDamage, source.last_time, kNotRecorded64, clock);
    if (!session.end) add_gap(source, GapReason::kNotEnded, clock.monotonic, kNotRecorded64, clock);
    if (begin_ && !session.start) {
      const std::uint64_t first = on_output(session.first_clock->monotonic, *session.first_clock);
      gaps_.push_back({.begin = std::min(*begin_, first), .end = first, .reason = GapReason::kDamage});
    }
    const std::uint64_t known = session.accepts + session.skipped;
    if (session.end && session.end->written > known && !source.damaged) {
      if (!source.numbered) source.last_time = session.first_clock->monotonic;
      add_gap(source, GapReason::kDamage, clock.monotonic, session.end->written - known, clock);
    }
    const capture::ClockAnchor end = on_output(clock);
    if (!last_end_ || end.monotonic > last_end_->monotonic) last_end_ = end;
    if (!last_clock_) last_clock_ = end;  // a gap needs one
  }
  // Nobody counted these, but they were hits, and they were written.
  const std::uint64_t counted = std::min(session.accepts, session.ledger.written);
  sum_.hits += session.accepts - counted;
  sum_.written += session.accepts - counted;
  unproved_.add(session.unproved());
  source = {};
  if (merge_) return;
  end(session.end ? session.end->reason : "not known: the end of the recording is missing",
      session.end ? session.end->clock : session.last_clock.value_or(capture::ClockAnchor{}));
}

void Rewriter::end(const std::string& reason, const capture::ClockAnchor& clock) {
  flush(true);
  put(encoder_.encode(capture::End{
      .clock = clock, .written = written_, .batches = batches_, .reason = reason, .unproved = unproved_}));
  written_ = batches_ = 0;
  unproved_ = {};
  any_ledger_ = false;
  sum_ = told_ = {};
  told_until_ = until_ = 0;
  last_clock_.reset();
}

void Rewriter::finish(const Inputs& inputs) {
  if (merge_ && last_end_) end("merged", *last_end_);
  if (any_frame_) return;
  const std::string where = inputs.size() == 1 ? inputs.front()->name() : "the captures";
  throw Error("nothing intact was found in " + where + ", so no capture is written");
}

}  // namespace tcpaccept::report
