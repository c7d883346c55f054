#include "record/pump.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "perf/record.h"
#include "unit/perf/kernel_formats.h"
#include "unit/perf/record_builder.h"

namespace tcpaccept::record {
namespace {

using perf::test::ByteBuilder;

constexpr std::uint64_t kMilli = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMilli;

perf::DecoderConfig config() {
  return {.layout = {},
          .formats = {std::string{perf::test::kKernelFormats[1].text}, std::string{perf::test::kKernelFormats[2].text}},
          .probe_address = 0};
}

// A sample of one accept by `pid` at `time`, as the 6.1 kernel lays it out.
// With an MPTCP socket, from the event for plain sockets (format 1) or from that for its subflow (format 2).
std::vector<std::byte> accept_record(std::uint64_t time, std::uint32_t pid = 100, std::uint16_t rport = 5000,
                                     std::uint16_t protocol = 6, std::size_t format = 1) {
  ByteBuilder raw;
  raw.add(perf::test::kKernelFormats[format].id).add(std::uint16_t{0}).add(pid);
  raw.add(std::uint64_t{0xffffffff81000000});
  raw.add(std::uint64_t{__builtin_bswap16(rport)} | std::uint64_t{2} << 32);
  for (int address = 0; address < 2; ++address) {
    raw.add(std::uint64_t{0}).add(std::uint64_t{0x0100007fffff0000});  // ::ffff:127.0.0.1 in memory order
  }
  raw.add(__builtin_bswap16(std::uint16_t{80})).add(protocol).add(std::uint32_t{1});
  raw.add(time / 1000).add(std::uint32_t{800}).add(std::uint32_t{0}).add(std::uint32_t{128});
  raw.add(std::uint64_t{1}).add(std::uint32_t{5 << 16 | 96}).add_text(std::string_view{"sshd\0", 5});
  return perf::test::sample({.pid = pid, .tid = pid, .time = time, .cpu = 0}, raw.bytes());
}

std::vector<std::byte> lost_record(std::uint64_t count) {
  return perf::test::record(perf::test::kLost, ByteBuilder{}.add(std::uint64_t{0}).add(count).bytes());
}

class PumpTest : public testing::Test {
 protected:
  Pump make(PumpOptions options = {}) {
    return Pump{config(), std::move(options), at(kSecond), [this](const capture::Batch& b) { batches_.push_back(b); }};
  }
  static capture::ClockAnchor at(std::uint64_t time) { return {time, static_cast<std::int64_t>(time), time}; }

  static void round(Pump& pump, std::uint64_t time, const std::vector<std::vector<std::byte>>& records,
                    const KernelCounts& counts) {
    pump.begin_round(at(time));
    std::vector<std::byte> all;
    for (const auto& record : records) all.insert(all.end(), record.begin(), record.end());
    pump.records(0, all);
    pump.end_round(counts);
  }

  std::vector<std::uint64_t> times() const {
    std::vector<std::uint64_t> all;
    for (const auto& batch : batches_) all.insert(all.end(), batch.time.begin(), batch.time.end());
    return all;
  }
  capture::Ledger sum() const {
    capture::Ledger total;
    for (const auto& batch : batches_) {
      if (!batch.ledger) continue;
      total.hits += batch.ledger->hits;
      total.misses += batch.ledger->misses;
      total.lost += batch.ledger->lost;
      total.filtered += batch.ledger->filtered;
      total.written += batch.ledger->written;
    }
    return total;
  }
  std::vector<bool> with_figures() const {
    std::vector<bool> all;
    for (const auto& batch : batches_) {
      for (std::size_t i = 0; i < batch.size(); ++i) all.push_back(batch.at(i).listener.backlog == 128);
    }
    return all;
  }
  void expect_balance() const {
    const capture::Ledger total = sum();
    EXPECT_EQ(total.hits, total.written + total.filtered + total.lost);
    EXPECT_EQ(total.written, times().size());
  }

  std::vector<capture::Batch> batches_;
};

TEST_F(PumpTest, HoldsBackWhatIsTooYoungAndFlushesAfterItsInterval) {
  Pump pump = make();
  round(pump, 2 * kSecond, {accept_record(2 * kSecond - 50 * kMilli)}, {.hits = 1});
  EXPECT_TRUE(batches_.empty());
  EXPECT_EQ(pump.pending(), 1u);
  round(pump, 2 * kSecond + 100 * kMilli, {}, {.hits = 1});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(times(), std::vector<std::uint64_t>{2 * kSecond - 50 * kMilli});
  EXPECT_EQ(batches_[0].listeners[0].comm.view(), "sshd");
  EXPECT_EQ(batches_[0].rport[0], 5000);
  EXPECT_EQ(batches_[0].clock.monotonic, 2 * kSecond + 100 * kMilli);
  EXPECT_EQ(batches_[0].ledger->begin, kSecond);
  EXPECT_EQ(batches_[0].ledger->end, 2 * kSecond + 100 * kMilli);
}

TEST_F(PumpTest, ASmallBatchIsHandedOutAgainUntilItIsLargeEnough) {
  Pump pump = make({.batch_events = 8, .flush_interval = kSecond, .reopen = true});
  std::uint64_t hits = 0;
  for (std::uint64_t second = 2; second < 40; ++second) {
    round(pump, second * kSecond, {accept_record(second * kSecond - 500 * kMilli)}, {.hits = ++hits});
  }
  pump.finish();
  // Each form holds what the one before it held, and its ledger accounts for as much.
  std::uint64_t first = 0, final_accepts = 0, told = 0;
  std::uint32_t open = 0;
  std::size_t before = 0;
  for (const capture::Batch& batch : batches_) {
    EXPECT_EQ(batch.first_event, first);
    EXPECT_GE(batch.size(), before);
    if (batch.ledger) {
      EXPECT_EQ(batch.ledger->written, first + batch.size() - told);
    }
    if (batch.open != 0) {
      EXPECT_EQ(batch.open, ++open);
      before = batch.size();
      continue;
    }
    first += batch.size();
    if (batch.ledger) told = first;
    final_accepts += batch.size();
    before = open = 0;
    EXPECT_TRUE(std::is_sorted(batch.time.begin(), batch.time.end()));
  }
  EXPECT_EQ(final_accepts, 38u);
  EXPECT_EQ(batches_.back().open, 0u);
  std::erase_if(batches_, [](const capture::Batch& batch) { return batch.open != 0; });
  expect_balance();
  EXPECT_LT(batches_.size(), 8u);
}

TEST_F(PumpTest, AnAcceptOfAnUnknownProcessIsAGapWhereProcessesAreAskedFor) {
  Pump pump = make({.pids = {100}});
  const auto unknown = [](std::uint64_t time) {
    std::vector<std::byte> record = accept_record(time, 0);
    const std::uint32_t tid = 4711;
    std::memcpy(record.data() + 12, &tid, sizeof tid);
    return record;
  };
  round(pump, 2 * kSecond, {accept_record(2 * kSecond - 900 * kMilli), unknown(2 * kSecond - 800 * kMilli),
                            unknown(2 * kSecond - 700 * kMilli), accept_record(2 * kSecond - 600 * kMilli, 0)},
        {.hits = 4});
  pump.finish();
  expect_balance();
  ASSERT_EQ(batches_[0].gaps.size(), 1u);
  EXPECT_EQ(batches_[0].gaps[0].at_most, 2u);
  EXPECT_EQ(batches_[0].gaps[0].begin, 2 * kSecond - 800 * kMilli);
  EXPECT_EQ(batches_[0].gaps[0].end, 2 * kSecond - 700 * kMilli);
  EXPECT_EQ(sum().filtered, 3u);
}

TEST_F(PumpTest, NothingNewIsNotHandedOutAgain) {
  Pump pump = make({.reopen = true});
  round(pump, 2 * kSecond, {accept_record(2 * kSecond - 500 * kMilli)}, {.hits = 1});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].open, 1u);
  round(pump, 4 * kSecond, {}, {.hits = 1});
  EXPECT_EQ(batches_.size(), 1u);
  round(pump, 6 * kSecond, {}, {.hits = 1, .misses = 2});
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_EQ(batches_[1].ledger->misses, 2u);
  pump.finish();
  EXPECT_EQ(batches_.back().open, 0u);
  EXPECT_EQ(batches_.back().ledger->misses, 2u);
}

TEST_F(PumpTest, PutsTheRecordsOfSeveralRoundsInOrder) {
  Pump pump = make();
  round(pump, 2 * kSecond, {accept_record(2 * kSecond - 10 * kMilli), accept_record(2 * kSecond - 5 * kMilli)},
        {.hits = 2});
  round(pump, 2 * kSecond + 50 * kMilli, {accept_record(2 * kSecond - 7 * kMilli)}, {.hits = 3});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{2 * kSecond - 10 * kMilli, 2 * kSecond - 7 * kMilli,
                                                 2 * kSecond - 5 * kMilli}));
  expect_balance();
}

TEST_F(PumpTest, APidIsAnotherProcessOnceItsProcessHasEnded) {
  Pump pump = make({.pids = {7, 9}});
  pump.begin_round(at(2 * kSecond));
  pump.ended(7);
  std::vector<std::byte> records;
  for (const auto& record : {accept_record(2 * kSecond - 1, 7), accept_record(2 * kSecond + 1, 7),
                             accept_record(2 * kSecond + 2, 9)}) {
    records.insert(records.end(), record.begin(), record.end());
  }
  pump.records(0, records);
  pump.end_round({.hits = 3});
  round(pump, 3 * kSecond, {accept_record(3 * kSecond - 1, 7), accept_record(3 * kSecond, 9)}, {.hits = 5});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{2 * kSecond - 1, 2 * kSecond + 2, 3 * kSecond}));
  EXPECT_EQ(sum().filtered, 2u);
  expect_balance();
}

TEST_F(PumpTest, KeepsOnlyTheWantedProcessesAndCountsTheOthers) {
  Pump pump = make({.pids = {7, 9}});
  round(pump, 2 * kSecond,
        {accept_record(kSecond, 7), accept_record(kSecond + 1, 8), accept_record(kSecond + 2, 9),
         accept_record(kSecond + 3, 10)},
        {.hits = 4});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{kSecond, kSecond + 2}));
  EXPECT_EQ(sum().filtered, 2u);
  expect_balance();
}

TEST_F(PumpTest, StopsAtTheCount) {
  Pump pump = make({.max_events = 2, .batch_events = 1});
  round(pump, 2 * kSecond, {accept_record(kSecond), accept_record(kSecond + 1), accept_record(kSecond + 2)}, {.hits = 3});
  EXPECT_TRUE(pump.done());
  pump.finish();
  EXPECT_EQ(times().size(), 2u);
  expect_balance();
}

TEST_F(PumpTest, CutsFullBatchesAndAccountsForThemLater) {
  Pump pump = make({.batch_events = 10});
  std::vector<std::vector<std::byte>> records;
  for (std::uint64_t i = 0; i < 25; ++i) records.push_back(accept_record(kSecond + i));
  round(pump, 2 * kSecond, records, {.hits = 25});
  pump.finish();
  ASSERT_EQ(batches_.size(), 3u);
  EXPECT_EQ(batches_[0].size(), 10u);
  EXPECT_FALSE(batches_[0].ledger);
  EXPECT_EQ(batches_[2].size(), 5u);
  expect_balance();
}

TEST_F(PumpTest, WhatTheKernelLostIsInTheLedgerOfItsSlice) {
  Pump pump = make();
  round(pump, 2 * kSecond, {accept_record(kSecond)}, {.hits = 1, .lost = 0});
  round(pump, 3 * kSecond, {accept_record(2 * kSecond)}, {.hits = 9, .lost = 7, .misses = 2});
  round(pump, 4 * kSecond, {}, {.hits = 9, .lost = 7, .misses = 2});
  pump.finish();
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_TRUE(batches_[0].ledger->complete());
  EXPECT_EQ(batches_[1].ledger->lost, 7u);
  EXPECT_EQ(batches_[1].ledger->misses, 2u);
  EXPECT_EQ(batches_[1].ledger->begin, batches_[0].ledger->end);
  EXPECT_FALSE(pump.totals().complete());
  expect_balance();
}

TEST_F(PumpTest, WithoutTheKernelsCountLossRecordsAreBelievedAndTheEndIsExact) {
  Pump pump = make();
  round(pump, 2 * kSecond, {accept_record(kSecond), lost_record(3)}, {.hits = 4, .lost = kNotRecorded64});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].ledger->lost, 3u);
  // The ring stayed full to the end: no record told of the last losses, only the count of hits does.
  round(pump, 3 * kSecond, {accept_record(2 * kSecond)}, {.hits = 12, .lost = kNotRecorded64});
  pump.finish();
  EXPECT_EQ(sum().lost, 10u);
  expect_balance();
}

TEST_F(PumpTest, LossesAreFlushedEvenWhenNothingElseIs) {
  Pump pump = make();
  round(pump, 3 * kSecond, {}, {.hits = 5, .lost = 5});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].size(), 0u);
  EXPECT_EQ(batches_[0].ledger->lost, 5u);
  pump.finish();
  expect_balance();
}

TEST_F(PumpTest, UndecodableSamplesAreLostNotForgotten) {
  Pump pump = make();
  auto short_sample = accept_record(kSecond);
  short_sample.resize(56);
  const std::uint16_t size = 56;
  std::memcpy(short_sample.data() + 6, &size, sizeof size);
  round(pump, 2 * kSecond, {short_sample, accept_record(kSecond)}, {.hits = 2});
  pump.finish();
  EXPECT_EQ(sum().lost, 1u);
  EXPECT_EQ(sum().written, 1u);
  expect_balance();
}

TEST_F(PumpTest, ALateAcceptIsWrittenAllTheSame) {
  Pump pump = make();
  round(pump, 3 * kSecond, {accept_record(2 * kSecond)}, {.hits = 1});
  round(pump, 4 * kSecond, {accept_record(kSecond + 1)}, {.hits = 2});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{2 * kSecond, kSecond + 1}));
  expect_balance();
}

TEST_F(PumpTest, ALateAcceptDoesNotMoveThoseHandedOut) {
  Pump pump = make({.reopen = true});
  round(pump, 3 * kSecond, {accept_record(2 * kSecond), accept_record(2 * kSecond + 2)}, {.hits = 2});
  round(pump, 4 * kSecond, {accept_record(2 * kSecond + 1), accept_record(3 * kSecond)}, {.hits = 4});
  pump.finish();
  // Open with two; final with these two; the late one in the next.
  ASSERT_EQ(batches_.size(), 3u);
  EXPECT_EQ(batches_[0].open, 1u);
  EXPECT_EQ(batches_[1].open, 0u);
  EXPECT_EQ(batches_[1].first_event, 0u);
  EXPECT_EQ(batches_[1].time, batches_[0].time);
  EXPECT_EQ(batches_[2].first_event, 2u);
  EXPECT_EQ(batches_[2].time, (std::vector<std::uint64_t>{2 * kSecond + 1, 3 * kSecond}));
  EXPECT_EQ(batches_[2].ledger->written, 4u);
}

TEST_F(PumpTest, LossesAreNamedByTheirCpu) {
  Pump pump = make();
  round(pump, 2 * kSecond, {accept_record(kSecond)}, {.hits = 4, .lost = 3, .misses = 0, .lost_by_cpu = {{1, 2}, {5, 1}}});
  round(pump, 4 * kSecond, {}, {.hits = 6, .lost = 5, .misses = 0, .lost_by_cpu = {{1, 2}, {5, 3}}});
  pump.finish();
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_EQ(batches_[0].cpu_losses, (std::vector<capture::CpuLoss>{{1, 2}, {5, 1}}));
  EXPECT_EQ(batches_[1].cpu_losses, (std::vector<capture::CpuLoss>{{5, 2}}));
  expect_balance();
}

TEST_F(PumpTest, AGapIsWrittenEvenWhenNothingElseIs) {
  Pump pump = make();
  const Gap gap{.begin = kSecond, .end = 2 * kSecond, .cpu = 3, .reason = GapReason::kCpuOnline, .at_most = 7};
  pump.gap(gap);
  round(pump, 2 * kSecond, {}, {.hits = 0});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].size(), 0u);
  EXPECT_EQ(batches_[0].gaps, std::vector<Gap>{gap});
  EXPECT_FALSE(pump.totals().complete());
  round(pump, 4 * kSecond, {accept_record(3 * kSecond)}, {.hits = 1});
  pump.finish();
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_TRUE(batches_[1].gaps.empty()) << "told once";
}

class TwoProcesses final : public Identities {
 public:
  void see(const Listener& listener) override { seen.push_back(listener.pid); }
  std::uint32_t nspid(std::uint32_t pid) const override { return pid == 7 ? 1 : 0; }
  std::string cgroup_path(std::uint64_t cgroup) const override { return cgroup == 77 ? "/a" : ""; }
  std::vector<std::uint32_t> seen;
};

TEST_F(PumpTest, KnowsProcessesAndCgroupsByTheirNames) {
  TwoProcesses known;
  Pump pump{config(), PumpOptions{.pids = {7, 8}}, at(kSecond),
            [&](const capture::Batch& batch) { batches_.push_back(batch); }, &known};
  round(pump, 2 * kSecond, {accept_record(kSecond, 7), accept_record(kSecond + 1, 8), accept_record(kSecond + 2, 9)},
        {.hits = 3});
  pump.finish();
  EXPECT_EQ(known.seen, (std::vector<std::uint32_t>{7, 8})) << "nobody asks for what is filtered out";
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].listeners[0].nspid, 1u);
  EXPECT_EQ(batches_[0].listeners[1].nspid, 0u);
}

// The two samples of an MPTCP accept by process 7.
std::vector<std::byte> ends(std::uint64_t time, std::uint16_t rport) { return accept_record(time, 7, rport, 262, 1); }
std::vector<std::byte> figures(std::uint64_t time, std::uint16_t rport) { return accept_record(time, 7, rport, 262, 2); }

TEST_F(PumpTest, TheTwoSamplesOfAnMptcpAcceptAreOneRow) {
  Pump pump = make();
  // In either order; with the second half only in the next draining; without it; and TCP between them. The kernel's count
  // is that of the first event.
  round(pump, 2 * kSecond,
        {ends(kSecond, 1), figures(kSecond + 10, 1), figures(kSecond + 20, 2), ends(kSecond + 30, 2), ends(kSecond + 40, 3),
         accept_record(kSecond + 50), ends(2 * kSecond - 10, 4)},
        {.hits = 5});
  round(pump, 2 * kSecond + kMilli, {figures(2 * kSecond - 5, 4)}, {.hits = 5});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{kSecond, kSecond + 20, kSecond + 40, kSecond + 50, 2 * kSecond - 10}));
  EXPECT_EQ(with_figures(), (std::vector<bool>{true, true, false, true, true}));
  EXPECT_EQ(sum().hits, 5u);
  EXPECT_EQ(sum().lost, 0u);
  expect_balance();
}

TEST_F(PumpTest, ThoughTheCpuWasTakenAwayBetweenThem) {
  Pump pump = make();
  round(pump, 3 * kSecond, {figures(kSecond, 1), ends(2 * kSecond, 1), figures(2 * kSecond + 10, 2)}, {.hits = 1});
  // The other half comes when the first is written; the next accept has the same ends.
  round(pump, 4 * kSecond, {ends(3 * kSecond, 2), figures(3 * kSecond + 10, 2), ends(3 * kSecond + 20, 2)}, {.hits = 3});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{kSecond, 2 * kSecond + 10, 3 * kSecond + 10}));
  EXPECT_EQ(with_figures(), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(sum().lost, 0u);
  expect_balance();
}

TEST_F(PumpTest, NeighboursThatAreNotOfOneAcceptAreTwoRows) {
  Pump pump = make();
  // The same ends at once: two of one event; with a loss between them; another thread.
  round(pump, 2 * kSecond,
        {ends(kSecond, 1), ends(kSecond + 1, 1), ends(kSecond + 2, 2), lost_record(1), figures(kSecond + 3, 2),
         ends(kSecond + 4, 3), accept_record(kSecond + 5, 8, 3, 262, 2)},
        {.hits = 6, .lost = 2, .misses = 0, .lost_by_cpu = {{0, 2}}});
  pump.finish();
  EXPECT_EQ(times().size(), 6u);
  EXPECT_EQ(sum().lost, 0u) << "what the first event lost the other one has";
  expect_balance();
}

TEST_F(PumpTest, WhatFtraceHadComesBetweenTheTwoSamples) {
  Pump pump = make();
  std::vector<std::byte> other = accept_record(kSecond + 5, 8, 2, 262, 1);
  std::memcpy(other.data() + offsetof(perf::RecordHeader, misc), &perf::kMadeUp, sizeof perf::kMadeUp);
  std::vector<std::byte> second_half = ends(kSecond + 30, 3);
  std::memcpy(second_half.data() + offsetof(perf::RecordHeader, misc), &perf::kMadeUp, sizeof perf::kMadeUp);
  round(pump, 2 * kSecond, {figures(kSecond, 1), other, ends(kSecond + 10, 1), figures(kSecond + 20, 3), second_half},
        {.hits = 3});
  pump.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{kSecond, kSecond + 5, kSecond + 20}));
  EXPECT_EQ(with_figures(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(sum().lost, 0u);
  expect_balance();
}

TEST_F(PumpTest, AnMptcpAcceptIsLostOnce) {
  Pump pump = make();
  // Of five accepts the ring held the first, and of the second what came first.
  round(pump, 2 * kSecond, {figures(kSecond, 1), ends(kSecond + 1, 1), figures(kSecond + 2, 2)},
        {.hits = 5, .lost = 4, .misses = 0, .lost_by_cpu = {{0, 4}}});
  round(pump, 4 * kSecond, {lost_record(7), figures(3 * kSecond, 6), ends(3 * kSecond + 1, 6)},
        {.hits = 6, .lost = 4, .misses = 0, .lost_by_cpu = {{0, 4}}});
  pump.finish();
  EXPECT_EQ(times().size(), 3u);
  EXPECT_EQ(sum().hits, 6u);
  EXPECT_EQ(sum().lost, 3u);
  EXPECT_EQ(batches_[0].cpu_losses, (std::vector<capture::CpuLoss>{{0, 3}}));
  expect_balance();
}

TEST_F(PumpTest, WithoutTheKernelsCountAnMptcpAcceptIsLostOnceInTheEnd) {
  Pump pump = make();
  round(pump, 2 * kSecond, {figures(kSecond, 1), ends(kSecond + 1, 1)}, {.hits = 4, .lost = kNotRecorded64});
  round(pump, 4 * kSecond, {lost_record(6), figures(3 * kSecond, 5), ends(3 * kSecond + 1, 5)},
        {.hits = 5, .lost = kNotRecorded64});
  pump.finish();
  EXPECT_EQ(sum().hits, 5u);
  EXPECT_EQ(sum().lost, 3u);
  EXPECT_EQ(batches_.back().cpu_losses, (std::vector<capture::CpuLoss>{{0, 3}}));
  expect_balance();
}

TEST_F(PumpTest, AnMptcpAcceptOfAnotherProcessIsFilteredOnce) {
  Pump pump = make({.pids = {8}});
  round(pump, 2 * kSecond, {figures(kSecond, 1), ends(kSecond + 1, 1), accept_record(kSecond + 2, 8)}, {.hits = 2});
  pump.finish();
  EXPECT_EQ(sum().hits, 2u);
  EXPECT_EQ(sum().filtered, 1u);
  expect_balance();
}

TEST_F(PumpTest, AQuietSessionWritesNothing) {
  Pump pump = make();
  for (std::uint64_t second = 2; second < 10; ++second) round(pump, second * kSecond, {}, {});
  pump.finish();
  EXPECT_TRUE(batches_.empty());
}

}  // namespace
}  // namespace tcpaccept::record
