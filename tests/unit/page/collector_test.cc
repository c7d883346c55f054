#include "page/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/samples.h"

namespace tcpaccept::page {
namespace {

using namespace samples;

constexpr std::uint64_t kMs = 1'000'000;

void add_all(Collector& collector, const capture::Batch& batch) { collector.add(batch, all_rows(batch)); }

TEST(Collector, CountsByTimeListenerAndRemoteEnd) {
  Collector collector{100};
  Accept first = sshd();
  first.wait_us = 40;
  first.ahead = 2;
  Accept second = iperf3();
  second.time += 5 * kMs;
  second.ahead = 4;
  Accept third = second;
  third.raddr = address("2001:db8:1:2::3");
  add_all(collector, batch_of({first, second, third}));

  EXPECT_EQ(collector.accepts(), 3u);
  EXPECT_EQ(collector.accepts_v4(), 2u);
  EXPECT_EQ(collector.first(), kWall);
  EXPECT_EQ(collector.last(), kWall + 5'000'000);
  const std::int64_t bin = collector.axis().bin(kWall);
  EXPECT_EQ(collector.axis().first(), bin);
  EXPECT_EQ(collector.axis().last(), bin + 5);
  EXPECT_EQ(collector.bins()[bin].accepts, 1u);
  EXPECT_EQ(collector.bins()[bin + 1].accepts, 0u);
  EXPECT_EQ(collector.bins()[bin + 5].accepts, 2u);
  EXPECT_EQ(collector.bins()[bin + 5].ahead_sum, 8u);
  EXPECT_EQ(collector.bins()[bin + 5].ahead_known, 2u);
  EXPECT_EQ(collector.bins()[bin].ahead_max, 2u);

  ASSERT_EQ(collector.listeners().size(), 2u);
  EXPECT_EQ(collector.listeners()[0].key.comm.view(), "sshd");
  EXPECT_EQ(collector.listeners()[0].wait_max, 40u);
  EXPECT_EQ(collector.listeners()[1].accepts, 2u);
  EXPECT_EQ(collector.listeners()[1].ahead_max, 4u);
  EXPECT_EQ(collector.listeners()[1].wait_max, std::nullopt);
  EXPECT_EQ(collector.listeners()[1].series[Axis::coarse(bin + 5)], 2u);

  EXPECT_THAT(collector.addresses().top(9), testing::ElementsAre(FrequentAddresses::Entry{first.raddr, 2},
                                                                 FrequentAddresses::Entry{third.raddr, 1}));
  EXPECT_THAT(collector.networks().top(9), testing::ElementsAre(FrequentAddresses::Entry{address("192.168.60.0"), 2},
                                                                FrequentAddresses::Entry{address("2001:db8:1::"), 1}));
  ASSERT_NE(collector.waits(), nullptr);
  const Waits& waits = (*collector.waits())[Axis::coarse(bin)];
  EXPECT_EQ(waits.counts[Waits::bucket(40)], 1u);
  EXPECT_EQ(waits.max, 40u);
}

TEST(Collector, NoWaitRecordedIsNoWait) {
  Collector collector{100};
  add_all(collector, batch_of({sshd()}));
  EXPECT_EQ(collector.waits(), nullptr);
  EXPECT_EQ(collector.bins()[collector.axis().first()].ahead_known, 0u);
  EXPECT_EQ(collector.listeners()[0].ahead_max, std::nullopt);
}

TEST(Collector, OnlyTheRowsItIsGiven) {
  Collector collector{100};
  const capture::Batch batch = batch_of({sshd(), iperf3(), sshd()});
  const std::vector<std::uint32_t> rows{1};
  collector.add(batch, rows);
  EXPECT_EQ(collector.accepts(), 1u);
  ASSERT_EQ(collector.listeners().size(), 1u);
  EXPECT_EQ(collector.listeners()[0].key.comm.view(), "iperf3");
  ASSERT_EQ(collector.rows().size(), 1u);
}

TEST(Collector, KeepsTheFirstRowsOnly) {
  Collector collector{2};
  Accept accept = sshd();
  accept.rtt_us = 7;
  add_all(collector, batch_of({accept}));
  add_all(collector, batch_of({iperf3(), sshd()}));
  ASSERT_EQ(collector.rows().size(), 2u);
  EXPECT_EQ(collector.rows()[0].rtt_us, 7u);
  EXPECT_EQ(collector.rows()[0].time, kWall);
  EXPECT_EQ(collector.rows()[0].raddr, accept.raddr);
  EXPECT_EQ(collector.rows()[0].rport, accept.rport);
  EXPECT_EQ(collector.rows()[1].comm.view(), "iperf3");
  EXPECT_EQ(collector.rows()[1].wait_us, kNotRecorded64);
  EXPECT_EQ(collector.accepts(), 3u);
}

TEST(Collector, ProcessesOfOneNameAndPortAreOneListener) {
  Collector collector{0};
  Accept other = sshd();
  other.listener.pid = 99;
  Accept elsewhere = sshd();
  elsewhere.listener.netns = 5;
  add_all(collector, batch_of({sshd(), other, elsewhere}));
  ASSERT_EQ(collector.listeners().size(), 2u);
  EXPECT_TRUE(collector.listeners()[0].several_pids);
  EXPECT_EQ(collector.listeners()[0].accepts, 2u);
  EXPECT_FALSE(collector.listeners()[1].several_pids);
}

TEST(Collector, ListenersBeyondTheLimitAreSummedUp) {
  Collector collector{0};
  for (std::uint16_t i = 0; i < 3; ++i) {
    std::vector<Accept> accepts;
    for (std::uint16_t port = 0; port < 500; ++port) {
      accepts.push_back(sshd());
      accepts.back().listener.sport = static_cast<std::uint16_t>(1 + port + 500 * i);
    }
    add_all(collector, batch_of(accepts));
  }
  EXPECT_EQ(collector.listeners().size(), Collector::kMostListeners);
  EXPECT_EQ(collector.other_accepts(), 500u);
  EXPECT_EQ(collector.accepts(), 1500u);
}

TEST(Collector, LongPathsAreCut) {
  Collector collector{0};
  Accept accept = sshd();
  accept.listener.cgroup = 8;
  capture::Batch batch = batch_of({accept});
  batch.cgroups = {{8, std::string(1000, 'x')}};
  add_all(collector, batch);
  EXPECT_EQ(collector.listeners()[0].cgroup_path, std::string(160, 'x') + "...");
}

// Whatever the times and however the rows come, every accept is in one bin of each kind.
TEST(Collector, LosesNothingWhileBinsWiden) {
  std::mt19937_64 random{11};
  for (int round = 0; round < 20; ++round) {
    Collector collector{10};
    std::uint64_t given = 0;
    std::uint64_t waits = 0;
    for (int i = 0; i < 12; ++i) {
      capture::Batch batch = random_batch(random, 1 + random() % 300);
      // Up to years apart, and back again.
      batch.clock.realtime += static_cast<std::int64_t>(random() % (std::uint64_t{1} << random() % 60));
      std::vector<std::uint32_t> rows;
      for (std::uint32_t row = 0; row < batch.size(); ++row) {
        if (random() % 3 != 0) rows.push_back(row);
      }
      for (const std::uint32_t row : rows) waits += batch.wait_us[row] != kNotRecorded64 ? 1u : 0u;
      given += rows.size();
      // In pieces, as a merge hands them out.
      text::Selection rest = rows;
      while (!rest.empty()) {
        const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % 40);
        collector.add(batch, rest.first(piece));
        rest = rest.subspan(piece);
      }
    }
    const Axis& axis = collector.axis();
    std::uint64_t in_bins = 0;
    for (std::int64_t bin = axis.first(); bin <= axis.last(); ++bin) in_bins += collector.bins()[bin].accepts;
    std::uint64_t in_listeners = 0;
    std::uint64_t in_series = 0;
    std::uint64_t in_waits = 0;
    for (const ListenerStats& listener : collector.listeners()) {
      in_listeners += listener.accepts;
      for (std::int64_t bin = Axis::coarse(axis.first()); bin <= Axis::coarse(axis.last()); ++bin) {
        in_series += listener.series[bin];
      }
    }
    for (std::int64_t bin = Axis::coarse(axis.first()); bin <= Axis::coarse(axis.last()); ++bin) {
      for (const std::uint64_t count : (*collector.waits())[bin].counts) in_waits += count;
    }
    std::uint64_t in_addresses = 0;
    std::uint64_t in_networks = 0;
    for (const auto& entry : collector.addresses().top(100'000)) in_addresses += entry.count;
    for (const auto& entry : collector.networks().top(100'000)) in_networks += entry.count;
    ASSERT_EQ(collector.accepts(), given);
    ASSERT_EQ(in_bins, given);
    ASSERT_EQ(in_listeners, given);
    ASSERT_EQ(in_series, given);
    ASSERT_EQ(in_addresses, given);
    ASSERT_EQ(in_networks, given);
    ASSERT_EQ(in_waits, waits);
  }
}

TEST(Waits, BucketsAreNarrowAndInOrder) {
  for (std::size_t bucket = 0; bucket + 1 < Waits::kBuckets; ++bucket) {
    const std::uint64_t begin = Waits::begin(bucket);
    const std::uint64_t end = Waits::begin(bucket + 1);
    ASSERT_LT(begin, end);
    ASSERT_EQ(Waits::bucket(begin), bucket);
    ASSERT_EQ(Waits::bucket(end - 1), bucket);
    ASSERT_LE(end - begin, std::max<std::uint64_t>(1, begin / 8));
  }
  EXPECT_EQ(Waits::bucket(std::numeric_limits<std::uint64_t>::max()), Waits::kBuckets - 1);
  EXPECT_EQ(Waits::begin(Waits::kBuckets - 1), std::uint64_t{15} << 36);
}

}  // namespace
}  // namespace tcpaccept::page
