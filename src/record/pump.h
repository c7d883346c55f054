// The recorder's heart, without a kernel: ring bytes in, batches and a ledger out.
//
// A round is one draining of all rings. The pump decodes what each round brings, leaves out what is not wanted,
// puts the accepts of all CPUs in order of time, and cuts them into batches. All it knows of the world comes
// through these calls, so a recording can be replayed from its raw log (record/raw_log.h) and gives the same
// batches.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "capture/batch_builder.h"
#include "capture/format.h"
#include "capture/model.h"
#include "perf/decoder.h"
#include "perf/merger.h"

namespace tcpaccept::record {

struct PumpOptions {
  std::vector<std::uint32_t> pids;  // processes to keep; empty = all
  std::uint32_t own_pid = 0;        // the recorder itself: its accepts (the self-test) count nowhere; 0 = none
  std::uint64_t max_events = 0;     // 0 = no limit
  std::size_t batch_events = capture::kDefaultBatchEvents;
  std::uint64_t flush_interval = 1'000'000'000;  // nanoseconds a batch may wait for more; 0 = every round
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

  bool operator==(const PumpTotals&) const = default;
  bool complete() const { return misses == 0 && lost == 0; }
};

// The kernel's own totals since the session began; kNotRecorded64 where it cannot tell.
struct KernelCounts {
  std::uint64_t hits = 0;
  std::uint64_t lost = 0;
  std::uint64_t misses = 0;
};

class Pump {
 public:
  using Sink = std::function<void(const capture::Batch&)>;

  // `start` is when the probe went live, the beginning of the first ledger.
  Pump(const perf::DecoderConfig& decoder, PumpOptions options, const capture::ClockAnchor& start, Sink sink);

  // One round: begin_round with the clocks read before the rings are drained, records for each CPU, end_round
  // with the kernel's totals read after draining.
  void begin_round(const capture::ClockAnchor& clock);
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
  void take(const std::vector<Accept>& accepts);
  void flush();
  void flush_with_ledger();
  bool wanted(const Accept& accept) const;

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
  std::uint64_t samples_ = 0;        // samples seen, decodable or not, but for our own
  std::uint64_t own_ = 0;            // samples of our own accepts
  std::uint64_t undecodable_ = 0;
  std::uint64_t ring_lost_ = 0;      // as told by PERF_RECORD_LOST
};

}  // namespace tcpaccept::record
