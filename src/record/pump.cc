#include "record/pump.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "perf/record.h"

namespace tcpaccept::record {

Pump::Pump(const perf::DecoderConfig& decoder, PumpOptions options, const capture::ClockAnchor& start, Sink sink,
           Identities* identities)
    : decoder_(decoder),
      options_(std::move(options)),
      sink_(std::move(sink)),
      clock_(start),
      ledger_begin_(start.monotonic),
      last_flush_(start.monotonic),
      identities_(identities) {
  options_.batch_events = std::clamp<std::size_t>(options_.batch_events, 1, capture::kMaxBatchEvents);
}

bool Pump::wanted(const Accept& accept) const {
  if (options_.pids.empty()) return true;
  const std::uint32_t pid = accept.listener.pid;
  if (std::find(options_.pids.begin(), options_.pids.end(), pid) == options_.pids.end()) return false;
  const auto ended = ended_.find(pid);
  return ended == ended_.end() || accept.time <= ended->second;
}

void Pump::leave_out(std::uint16_t cpu, const Accept& accept) {
  ++totals_.filtered;
  // ftrace names the thread only (kernel/rescue.h); a process of another pid namespace has neither.
  const bool unknown = accept.listener.pid == 0 && accept.tid != 0 && !options_.pids.empty();
  if (!unknown) return;
  constexpr std::uint64_t kTogether = 1'000'000'000;
  if (!gaps_.empty() && gaps_.back().cpu == cpu && gaps_.back().reason == GapReason::kCpuOnline &&
      gaps_.back().at_most != kNotRecorded64 && accept.time - gaps_.back().end < kTogether) {
    gaps_.back().end = accept.time;
    ++gaps_.back().at_most;
    return;
  }
  gap({.begin = accept.time, .end = accept.time, .cpu = cpu, .reason = GapReason::kCpuOnline, .at_most = 1});
}

void Pump::gap(const Gap& gap) {
  ++totals_.gaps;
  gaps_.push_back(gap);
}

void Pump::begin_round(const capture::ClockAnchor& clock) { clock_ = clock; }

void Pump::records(std::uint16_t cpu, Bytes records) {
  Bytes record;
  while (perf::next_record(records, record)) {
    perf::Decoded decoded = decoder_.decode(record);
    if (auto* accept = std::get_if<Accept>(&decoded)) {
      if (identities_ != nullptr && wanted(*accept)) {
        identities_->see(accept->listener);
        accept->listener.nspid = identities_->nspid(accept->listener.pid);
      }
      const bool made_up = (load<perf::RecordHeader>(record.data()).misc & perf::kMadeUp) != 0;
      const bool of_subflow = accept->listener.protocol == kProtocolMptcp && decoder_.of_subflow(record);
      add(cpu, {.accept = *accept, .of_subflow = of_subflow}, made_up);
    } else if (const auto* loss = std::get_if<perf::Loss>(&decoded)) {
      ring_lost_ += loss->count;
      ring_lost_by_cpu_[cpu] += loss->count;
      // The kernel puts this in front of the first sample that fits again: never between two of one accept.
      if (const auto held = held_.find(cpu); held != held_.end()) {
        release(cpu, held->second);
        held_.erase(held);
      }
    } else if (decoder_.of_subflow(record)) {
      // What is wrong here is so of the other event's sample, too, which is the one that counts.
    } else if (std::holds_alternative<perf::Foreign>(decoded)) {
      // A sample of our event that is none of our accepts; it is in the event's count all the same.
      ++samples_;
      ++totals_.filtered;
    } else if (std::holds_alternative<perf::Malformed>(decoded)) {
      ++samples_;
      ++undecodable_;
    }
  }
  // The ring walk gives whole records only; a rest would be one of them gone wrong.
  if (!records.empty()) ++undecodable_;
}

// An MPTCP accept comes twice, from the event with the ends and from the one with the figures of its first subflow. Both
// are taken at one hit of a kprobe, with preemption off, and another hit on that CPU meanwhile, in an interrupt, is not
// probed but counted as missed (kprobe_ftrace_handler, arch/x86/kernel/kprobes/ftrace.c; kprobe_int3_handler): so they
// are neighbours in the ring of their CPU, though any time may lie between them where a hypervisor takes the CPU away.
// Either of them may be missing, and a draining may part them.
void Pump::add(std::uint16_t cpu, const Half& half, bool made_up) {
  const Accept& accept = half.accept;
  if (!half.of_subflow) ++samples_;
  if (const auto held = held_.find(cpu); held != held_.end()) {
    Half& first = held->second;
    const bool same = accept.listener.protocol == kProtocolMptcp && first.of_subflow != half.of_subflow &&
                      first.accept.tid == accept.tid && first.accept.rport == accept.rport &&
                      first.accept.raddr == accept.raddr && first.accept.listener.sport == accept.listener.sport &&
                      first.accept.listener.saddr == accept.listener.saddr;
    if (same) {
      if (first.of_subflow) --alone_[cpu];
      if (half.of_subflow) {
        first.accept.listener.backlog = accept.listener.backlog;
        first.accept.wait_us = accept.wait_us;
        first.accept.ahead = accept.ahead;
        first.accept.rtt_us = accept.rtt_us;
      }
      release(cpu, first);
      held_.erase(held);
      return;
    }
    if (!made_up) {
      release(cpu, first);
      held_.erase(held);
    }
  }
  if (half.of_subflow) ++alone_[cpu];
  if (accept.listener.protocol == kProtocolMptcp && !made_up) held_.emplace(cpu, half);
  else pass_on(cpu, accept);
}

void Pump::pass_on(std::uint16_t cpu, const Accept& accept) {
  if (wanted(accept)) order_.add(accept);
  else leave_out(cpu, accept);
}

void Pump::release(std::uint16_t cpu, Half& half) {
  if (!std::exchange(half.passed_on, true)) pass_on(cpu, half.accept);
}

void Pump::release_held(std::uint64_t until) {
  for (auto& [cpu, half] : held_) {
    if (half.accept.time <= until) release(cpu, half);
  }
}

// Seen so far, each once.
std::uint64_t Pump::accepts() const {
  std::uint64_t sum = samples_;
  for (const auto& [cpu, count] : alone_) sum += count;
  return sum;
}

// Before the last round hits may run ahead of the samples read, so a loss is believed only if the kernel says so. What is
// in a ledger stays, what was only handed out open may turn out to be less.
void Pump::count_losses(const KernelCounts& counts) {
  const auto raise = [&](std::uint16_t cpu, std::uint64_t lost) {
    const auto told = told_lost_by_cpu_.find(cpu);
    lost_by_cpu_[cpu] = std::max(told == told_lost_by_cpu_.end() ? 0 : told->second, lost);
  };
  std::uint64_t lost = 0;
  if (counts.lost != kNotRecorded64) {
    lost = counts.lost;
    for (const capture::CpuLoss& cpu : counts.lost_by_cpu) {
      // An accept whose figures fitted into the ring where its ends did not is shown.
      const auto alone = alone_.find(cpu.cpu);
      const std::uint64_t shown = alone == alone_.end() ? 0 : std::min(alone->second, cpu.lost);
      lost -= std::min(lost, shown);
      raise(cpu.cpu, cpu.lost - shown);
    }
  } else {
    // The rings' own word may count an MPTCP accept twice, but no more can be lost than was not read.
    const std::uint64_t seen = accepts();
    lost = counts.hits == kNotRecorded64 ? ring_lost_ : std::min(ring_lost_, counts.hits - std::min(counts.hits, seen));
    for (const auto& [cpu, by_ring] : ring_lost_by_cpu_) raise(cpu, std::min(by_ring, lost));
  }
  totals_.lost = std::max(told_.lost, lost + undecodable_);
}

void Pump::end_round(const KernelCounts& counts) {
  count_losses(counts);
  if (counts.hits != kNotRecorded64) totals_.hits = counts.hits;
  if (counts.misses != kNotRecorded64) totals_.misses = counts.misses;

  if (clock_.monotonic >= options_.settle) {
    release_held(clock_.monotonic - options_.settle);
    take(order_.release(clock_.monotonic - options_.settle));
  }

  const bool due = clock_.monotonic - last_flush_ >= options_.flush_interval;
  const bool something = builder_.size() != handed_out_ || totals_.lost != handed_totals_.lost ||
                         totals_.misses != handed_totals_.misses || totals_.gaps != handed_totals_.gaps;
  if (due && something) flush_with_ledger(options_.reopen && !large_enough());
}

void Pump::take(const std::vector<Accept>& accepts) {
  for (const Accept& accept : accepts) {
    if (done()) {
      ++totals_.filtered;
      continue;
    }
    // Accepts handed out keep their numbers (capture.md, section 6): a late one would be sorted in before them.
    if (handed_out_ != 0 && accept.time < handed_out_until_) flush();
    builder_.add(accept);
    if (builder_.size() >= options_.batch_events) flush();
  }
}

void Pump::finish() {
  release_held(kNotRecorded64);
  take(order_.release_all());
  // Nothing more can come: what was hit and not read is lost, whether or not a record said so.
  const std::uint64_t seen = accepts();
  const std::uint64_t unread = totals_.hits > seen ? totals_.hits - seen : 0;
  totals_.lost = std::max(totals_.lost, unread + undecodable_);
  // A kernel that cannot count its hits still balances.
  totals_.hits = std::max(totals_.hits, seen + totals_.lost - undecodable_);
  if (!builder_.empty() || totals_ != told_) flush_with_ledger(false);
}

void Pump::add_cgroups(capture::Batch& batch) const {
  batch.cgroups.clear();
  if (identities_ == nullptr) return;
  std::set<std::uint64_t> ids;  // ascending, as the batch wants them
  for (const Listener& listener : batch.listeners) ids.insert(listener.cgroup);
  for (const std::uint64_t id : ids) {
    std::string path = id != 0 ? identities_->cgroup_path(id) : "";
    if (!path.empty() && path.size() <= capture::kMaxCgroupPath) batch.cgroups.push_back({id, std::move(path)});
  }
}

void Pump::add_losses(capture::Batch& batch) const {
  batch.cpu_losses.clear();
  for (const auto& [cpu, lost] : lost_by_cpu_) {
    const auto told = told_lost_by_cpu_.find(cpu);
    const std::uint64_t before = told == told_lost_by_cpu_.end() ? 0 : told->second;
    if (lost != before) batch.cpu_losses.push_back({.cpu = cpu, .lost = lost - before});
  }
  batch.gaps = gaps_;
}

// A quarter of a full batch is nearly as compact as a full one; up to there, handing all of it out again each time costs
// less than a thousandth of a processor. Above, no accept is handed out more than eight times on average.
bool Pump::large_enough() const {
  return builder_.size() >= options_.batch_events / 4 && handed_out_again_ >= 8 * options_.batch_events;
}

void Pump::flush() {
  capture::Batch& batch = builder_.finish(clock_, std::nullopt);
  batch.first_event = totals_.written;
  batch.open = 0;
  add_cgroups(batch);
  batch.cpu_losses.clear();
  batch.gaps.clear();
  totals_.written += batch.size();
  ++totals_.batches;
  start_over();
  handed_totals_ = told_;
  sink_(batch);
  builder_.clear();
}

void Pump::flush_with_ledger(bool open) {
  capture::Ledger ledger{.begin = ledger_begin_,
                         .end = clock_.monotonic,
                         .hits = totals_.hits - told_.hits,
                         .misses = totals_.misses - told_.misses,
                         .lost = totals_.lost - told_.lost,
                         .filtered = totals_.filtered - told_.filtered,
                         .written = totals_.written + builder_.size() - told_.written};
  capture::Batch& batch = builder_.finish(clock_, ledger);
  // An account alone that no other form of it precedes has no number, or it would be one of the batch that follows.
  const bool alone = batch.size() == 0 && !open && open_ == 0;
  batch.first_event = alone ? kNotRecorded64 : totals_.written;
  add_cgroups(batch);
  add_losses(batch);
  if (open) {
    batch.open = ++open_;
    handed_out_ = batch.size();
    if (!batch.time.empty()) handed_out_until_ = batch.time.back();
    handed_out_again_ += batch.size();
    handed_totals_ = totals_;
    last_flush_ = clock_.monotonic;
    sink_(batch);
    return;
  }
  batch.open = 0;
  totals_.written += batch.size();
  ++totals_.batches;
  told_ = totals_;
  told_lost_by_cpu_ = lost_by_cpu_;
  gaps_.clear();
  ledger_begin_ = clock_.monotonic;
  start_over();
  sink_(batch);
  builder_.clear();
}

void Pump::start_over() {
  open_ = 0;
  handed_out_ = 0;
  handed_out_again_ = 0;
  handed_totals_ = totals_;
  last_flush_ = clock_.monotonic;
}

}  // namespace tcpaccept::record
