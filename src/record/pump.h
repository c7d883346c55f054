// The recorder's heart, without a kernel: ring bytes in, batches and a ledger out.
//
// A round is one draining of all rings. The pump decodes what each round brings, leaves out what is not wanted,
// puts the accepts of all CPUs in order of time, and cuts them into batches. All it knows of the world comes
// through these calls, so a recording can be replayed from its raw log (record/raw_log.h) and gives the same
// batches.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "capture/batch_builder.h"
#include "capture/format.h"
#include "capture/model.h"
#include "core/gap.h"
#include "perf/decoder.h"
#include "perf/merger.h"

namespace tcpaccept::record {

struct PumpOptions {
  std::vector<std::uint32_t> pids;  // processes to keep; empty = all
  std::uint64_t max_events = 0;     // 0 = no limit
  std::size_t batch_events = capture::kDefaultBatchEvents;
  std::uint64_t flush_interval = 1'000'000'000;  // nanoseconds a batch may wait for more; 0 = every round
  // A batch that is due but small is handed out open and goes on growing: for an output that can replace it.
  bool reopen = false;
  // Nanoseconds a sample is held back. It gets its time a moment before it shows in the ring, and the CPU may be
  // taken away in between: whoever comes later than this is written out of order, but is written.
  std::uint64_t settle = 100'000'000;
};

// Running totals of the whole session.
struct PumpTotals {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t lost = 0;
  std::uint64_t filtered = 0;
  std::uint64_t written = 0;
  std::uint64_t batches = 0;
  std::uint64_t gaps = 0;  // stretches of time in which accepts may have gone unseen

  bool operator==(const PumpTotals&) const = default;
  bool complete() const { return misses == 0 && lost == 0 && gaps == 0; }
};

// The kernel's own totals since the session began, of the event that each accept hits once; kNotRecorded64 where it cannot
// tell.
struct KernelCounts {
  std::uint64_t hits = 0;
  std::uint64_t lost = 0;
  std::uint64_t misses = 0;
  std::vector<capture::CpuLoss> lost_by_cpu{};  // those CPUs that lost anything, in any order; may be empty
};

// What is known of processes and cgroups beyond their samples.
class Identities {
 public:
  virtual ~Identities() = default;
  // Takes note of who accepted; called for each accept soon after it happened.
  virtual void see(const Listener& listener) = 0;
  // See Listener::nspid; of a process that was seen.
  virtual std::uint32_t nspid(std::uint32_t pid) const = 0;
  // See capture::CgroupPath; "" = not known.
  virtual std::string cgroup_path(std::uint64_t cgroup) const = 0;
};

class Pump {
 public:
  using Sink = std::function<void(const capture::Batch&)>;

  // `start` is when the probe went live, the beginning of the first ledger.
  // `identities` is borrowed; without it nothing is known.
  Pump(const perf::DecoderConfig& decoder, PumpOptions options, const capture::ClockAnchor& start, Sink sink,
       Identities* identities = nullptr);

  // One round: gaps that came to light, then begin_round with the clocks read before the rings are drained, the processes
  // known to have ended before that, records for each CPU, end_round with the kernel's totals read after draining.
  void gap(const Gap& gap);
  void begin_round(const capture::ClockAnchor& clock);
  // Accepts after the round's beginning are of another process that got the same pid.
  void ended(std::uint32_t pid) { ended_.emplace(pid, clock_.monotonic); }
  void records(std::uint16_t cpu, Bytes records);
  void end_round(const KernelCounts& counts);

  // After the last round, taken when the probe no longer produced samples: whatever is held back goes out, and
  // every hit that is in no batch is counted as lost or filtered.
  void finish();

  // True once max_events accepts are written.
  bool done() const { return options_.max_events != 0 && totals_.written + builder_.size() >= options_.max_events; }
  const PumpTotals& totals() const { return totals_; }
  // Accepts decoded but not yet handed out.
  std::size_t pending() const { return order_.pending() + builder_.size(); }
  const capture::ClockAnchor& clock() const { return clock_; }

 private:
  // One of the two samples of an MPTCP accept: `of_subflow` the one with the figures.
  struct Half {
    Accept accept;
    bool of_subflow = false;
    bool passed_on = false;  // it stayed alone for too long; should its other half come, it tells nothing new
  };

  void take(const std::vector<Accept>& accepts);
  void add(std::uint16_t cpu, const Half& half, bool made_up);
  void pass_on(std::uint16_t cpu, const Accept& accept);
  void release(std::uint16_t cpu, Half& half);
  void release_held(std::uint64_t until);
  void count_losses(const KernelCounts& counts);
  std::uint64_t accepts() const;
  void flush();
  void flush_with_ledger(bool open);
  bool large_enough() const;
  void start_over();
  bool wanted(const Accept& accept) const;
  void leave_out(std::uint16_t cpu, const Accept& accept);
  void add_cgroups(capture::Batch& batch) const;
  void add_losses(capture::Batch& batch) const;

  perf::Decoder decoder_;
  PumpOptions options_;
  Sink sink_;
  perf::TimeOrder order_;
  capture::BatchBuilder builder_;
  capture::ClockAnchor clock_;
  PumpTotals totals_;
  PumpTotals told_;                  // totals at the last ledger
  std::uint64_t ledger_begin_ = 0;   // where the next ledger's slice begins
  std::uint64_t last_flush_ = 0;
  std::uint32_t open_ = 0;        // how often the batch under way was handed out open
  std::size_t handed_out_ = 0;    // its accepts at the last time
  std::uint64_t handed_out_until_ = 0;  // the time of the last of them
  std::uint64_t handed_out_again_ = 0;  // accepts in all those times together
  PumpTotals handed_totals_;      // at the last time anything was handed out
  std::map<std::uint32_t, std::uint64_t> ended_;  // processes asked for, and when they were known to be gone
  std::uint64_t samples_ = 0;        // samples seen of the event that each accept hits once, decodable or not
  std::map<std::uint16_t, std::uint64_t> alone_;  // by CPU: accepts known by the figures of their subflow only
  std::map<std::uint16_t, Half> held_;            // by CPU: an MPTCP accept whose other half may follow
  std::uint64_t undecodable_ = 0;    // of samples_
  std::uint64_t ring_lost_ = 0;      // samples of all events, as told by PERF_RECORD_LOST
  std::map<std::uint16_t, std::uint64_t> ring_lost_by_cpu_;  // totals, as PERF_RECORD_LOST tells, which lags behind
  std::map<std::uint16_t, std::uint64_t> lost_by_cpu_;       // totals, as that or the kernel's counts say
  std::map<std::uint16_t, std::uint64_t> told_lost_by_cpu_;  // at the last ledger
  std::vector<Gap> gaps_;                                    // since the last ledger
  Identities* identities_;
};

}  // namespace tcpaccept::record
