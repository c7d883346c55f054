#include "perf/merger.h"

#include <gtest/gtest.h>

#include <random>

namespace tcpaccept::perf {
namespace {

Accept at(std::uint64_t time, std::uint16_t cpu = 0, std::uint32_t tid = 0) {
  Accept accept;
  accept.time = time;
  accept.cpu = cpu;
  accept.tid = tid;
  return accept;
}

std::vector<std::uint64_t> times(const std::vector<Accept>& accepts) {
  std::vector<std::uint64_t> all;
  for (const Accept& accept : accepts) all.push_back(accept.time);
  return all;
}

TEST(TimeOrder, ReleasesUpToTheWatermarkInOrder) {
  TimeOrder order;
  for (const std::uint64_t time : {10u, 30u, 50u, 5u, 20u, 60u}) order.add(at(time));
  EXPECT_EQ(times(order.release(30)), (std::vector<std::uint64_t>{5, 10, 20, 30}));
  EXPECT_EQ(order.pending(), 2u);
  EXPECT_TRUE(order.release(30).empty());
  order.add(at(55));
  EXPECT_EQ(times(order.release_all()), (std::vector<std::uint64_t>{50, 55, 60}));
  EXPECT_EQ(order.pending(), 0u);
  EXPECT_EQ(order.late(), 0u);
}

TEST(TimeOrder, EqualTimesGoByCpuThenArrival) {
  TimeOrder order;
  order.add(at(7, 1, 100));
  order.add(at(7, 0, 200));
  order.add(at(7, 1, 50));
  order.add(at(7, 0, 10));
  const auto& released = order.release(7);
  ASSERT_EQ(released.size(), 4u);
  EXPECT_EQ(released[0].tid, 200u);
  EXPECT_EQ(released[1].tid, 10u);
  EXPECT_EQ(released[2].tid, 100u);
  EXPECT_EQ(released[3].tid, 50u);
}

TEST(TimeOrder, WhatComesTooLateIsKeptAndCounted) {
  TimeOrder order;
  order.add(at(100));
  order.release(100);
  order.add(at(90));
  order.add(at(110));
  EXPECT_EQ(times(order.release(120)), (std::vector<std::uint64_t>{90, 110}));
  EXPECT_EQ(order.late(), 1u);
}

TEST(TimeOrder, ManyCpusComeOutSortedAndComplete) {
  std::mt19937 random{1};
  TimeOrder order;
  std::uint64_t released = 0;
  std::uint64_t last = 0;
  for (std::uint64_t round = 1; round <= 20; ++round) {
    for (std::uint16_t cpu = 0; cpu < 16; ++cpu) {
      std::uint64_t time = (round - 1) * 1000 + random() % 10;
      for (int i = 0; i < 50; ++i) order.add(at(time += random() % 20, cpu));
    }
    for (const Accept& accept : order.release((round - 1) * 1000)) {
      EXPECT_GE(accept.time, last);
      last = accept.time;
      ++released;
    }
  }
  for (const Accept& accept : order.release_all()) {
    EXPECT_GE(accept.time, last);
    last = accept.time;
    ++released;
  }
  EXPECT_EQ(released, 20u * 16u * 50u);
  EXPECT_EQ(order.late(), 0u);
}

}  // namespace
}  // namespace tcpaccept::perf
