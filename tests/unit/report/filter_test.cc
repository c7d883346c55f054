#include "report/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "support/samples.h"

namespace tcpaccept::report {
namespace {

using namespace samples;

template <typename T, typename U>
bool has(const std::vector<T>& wanted, const U& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}
bool inside(const std::vector<IpPrefix>& prefixes, const IpAddress& value) {
  return prefixes.empty() ||
         std::any_of(prefixes.begin(), prefixes.end(), [&](const IpPrefix& prefix) { return prefix.contains(value); });
}

// Row by row, as the documentation says it.
std::vector<std::uint32_t> slow_select(const FilterSpec& spec, const capture::Batch& batch, std::uint64_t first) {
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Accept accept = batch.at(i);
    const auto position = [&](const TimeBound& bound) {
      return bound.relative ? static_cast<std::int64_t>(accept.time - first) : batch.clock.wall(accept.time);
    };
    const bool keep = has(spec.pids, accept.listener.pid) && has(spec.comms, accept.listener.comm.view()) &&
                      has(spec.ports, accept.listener.sport) && has(spec.rports, accept.rport) &&
                      inside(spec.raddrs, accept.raddr) && inside(spec.saddrs, accept.listener.saddr) &&
                      (spec.family == 0 || (spec.family == 4) == accept.raddr.is_v4()) &&
                      (!spec.since || position(*spec.since) >= spec.since->nanoseconds) &&
                      (!spec.until || position(*spec.until) < spec.until->nanoseconds);
    if (keep) rows.push_back(static_cast<std::uint32_t>(i));
  }
  return rows;
}

std::vector<std::uint32_t> select(const FilterSpec& spec, const capture::Batch& batch, std::uint64_t first = 0) {
  std::vector<std::uint32_t> rows{1, 2, 3};
  Filter filter(spec);
  filter.select(batch, 0, static_cast<std::uint32_t>(batch.size()), first, rows);
  // What is passed over unread must hold nothing.
  const bool any = batch.size() != 0;
  const capture::BatchFrame frame{.tables = &batch,
                                  .events = static_cast<std::uint32_t>(batch.size()),
                                  .peers = batch.peers.size(),
                                  .first_time = any ? batch.time.front() : 0,
                                  .last_time = any ? batch.time.back() : 0};
  EXPECT_TRUE(rows.empty() || (filter.may_match(frame, first, false) && filter.may_match(frame, first, true)));
  return rows;
}

using Rows = std::vector<std::uint32_t>;

TEST(Filter, NothingAskedKeepsAll) {
  EXPECT_EQ(select({}, batch_of({sshd(), iperf3()})), (Rows{0, 1}));
  EXPECT_EQ(select({}, capture::Batch{}), Rows{});
}

TEST(Filter, EachKindAlone) {
  Accept six = sshd();
  six.listener.family = 10;
  six.listener.saddr = address("2001:db8::1");
  six.raddr = address("2001:db8::2");
  six.rport = 7;
  const capture::Batch batch = batch_of({sshd(), iperf3(), six});
  EXPECT_EQ(select({.pids = {30891}}, batch), (Rows{1}));
  EXPECT_EQ(select({.pids = {30891, 1463}}, batch), (Rows{0, 1, 2}));
  EXPECT_EQ(select({.comms = {"sshd"}}, batch), (Rows{0, 2}));
  EXPECT_EQ(select({.comms = {"ssh"}}, batch), Rows{});
  EXPECT_EQ(select({.ports = {5201, 80}}, batch), (Rows{1}));
  EXPECT_EQ(select({.rports = {7}}, batch), (Rows{2}));
  EXPECT_EQ(select({.rports = {7, 49385}}, batch), (Rows{0, 1, 2}));
  EXPECT_EQ(select({.raddrs = {*parse_prefix("192.168.0.0/16")}}, batch), (Rows{0, 1}));
  EXPECT_EQ(select({.raddrs = {*parse_prefix("::/0")}}, batch), (Rows{2}));
  EXPECT_EQ(select({.raddrs = {*parse_prefix("0.0.0.0/0")}}, batch), (Rows{0, 1}));
  EXPECT_EQ(select({.saddrs = {*parse_prefix("2001:db8::1")}}, batch), (Rows{2}));
  EXPECT_EQ(select({.family = 4}, batch), (Rows{0, 1}));
  EXPECT_EQ(select({.family = 6}, batch), (Rows{2}));
}

TEST(Filter, MappedClientOfAnIpv6SocketCountsAsIpv4) {
  Accept mapped = sshd();
  mapped.listener.family = 10;
  EXPECT_EQ(select({.family = 4}, batch_of({mapped})), (Rows{0}));
  EXPECT_EQ(select({.family = 6}, batch_of({mapped})), Rows{});
}

TEST(Filter, WindowIncludesItsBeginAndExcludesItsEnd) {
  std::vector<Accept> accepts(4, sshd());
  for (std::size_t i = 0; i < 4; ++i) accepts[i].time = kMonotonic + i * 1'000'000'000;
  const capture::Batch batch = batch_of(accepts);
  const auto relative = [](std::int64_t seconds) { return TimeBound{true, seconds * 1'000'000'000}; };
  const auto wall = [](std::int64_t seconds) { return TimeBound{false, kWall + seconds * 1'000'000'000}; };
  EXPECT_EQ(select({.since = relative(1)}, batch, kMonotonic), (Rows{1, 2, 3}));
  EXPECT_EQ(select({.until = relative(1)}, batch, kMonotonic), (Rows{0}));
  EXPECT_EQ(select({.since = relative(1), .until = relative(3)}, batch, kMonotonic), (Rows{1, 2}));
  EXPECT_EQ(select({.since = relative(3), .until = relative(1)}, batch, kMonotonic), Rows{});
  EXPECT_EQ(select({.since = wall(2)}, batch), (Rows{2, 3}));
  EXPECT_EQ(select({.until = wall(2)}, batch), (Rows{0, 1}));
  EXPECT_EQ(select({.since = wall(-1'000'000)}, batch), (Rows{0, 1, 2, 3}));
  EXPECT_EQ(select({.until = wall(-1'000'000)}, batch), Rows{});
}

TEST(Filter, HostileClocksDoNotOverflow) {
  constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t realtime : {kFirst, kLast}) {
    for (const std::uint64_t monotonic : {std::uint64_t{0}, ~std::uint64_t{0}}) {
      const capture::Batch batch = batch_of({sshd()}, {.monotonic = monotonic, .realtime = realtime, .boottime = 0});
      for (const std::int64_t at : {kFirst, std::int64_t{0}, kLast}) {
        select({.since = TimeBound{false, at}, .until = TimeBound{true, at}}, batch, ~std::uint64_t{0});
      }
    }
  }
}

TEST(Filter, RandomSpecsAgreeWithTheSlowVersion) {
  std::mt19937_64 random(3);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const char* const prefixes[] = {"192.168.0.0/16", "192.168.1.0/24", "192.168.2.128/25", "2001:db8::/32",
                                  "2001:db8:1::/48", "::/0",          "0.0.0.0/0",        "10.0.0.1",
                                  "2001:db8::2",     "::/1",          "::ffff:0:0/96",    "192.168.1.7/31"};
  const char* const comms[] = {"sshd", "nginx", "", "a\\b", "x\x1b[2J", "none"};
  std::size_t kept = 0;
  for (int round = 0; round < 3000; ++round) {
    const capture::Batch batch = random_batch(random, below(60));
    FilterSpec spec;
    for (std::uint64_t n = below(3); n > 0; --n) {
      switch (below(8)) {
        case 0: spec.pids.push_back(static_cast<std::uint32_t>(100 + below(6))); break;
        case 1: spec.comms.push_back(comms[below(6)]); break;
        case 2: spec.ports.push_back(static_cast<std::uint16_t>(20 + below(5))); break;
        case 3: spec.rports.push_back(static_cast<std::uint16_t>(40000 + below(7))); break;
        case 4: spec.raddrs.push_back(*parse_prefix(prefixes[below(12)])); break;
        case 5: spec.saddrs.push_back(*parse_prefix(prefixes[below(12)])); break;
        case 6: spec.family = below(2) == 0 ? 4 : 6; break;
        case 7: spec.rports = {40001, 40003, 40005}; break;
      }
    }
    const auto bound = [&] {
      const auto offset = static_cast<std::int64_t>(below(1'000'000'000));
      return below(2) == 0 ? TimeBound{true, offset} : TimeBound{false, kWall + offset - 500'000'000};
    };
    if (below(4) == 0) spec.since = bound();
    if (below(4) == 0) spec.until = bound();
    const std::uint64_t first = batch.size() == 0 ? 0 : batch.time.front();
    const auto rows = select(spec, batch, first);
    ASSERT_EQ(rows, slow_select(spec, batch, first)) << round;
    kept += rows.size();
  }
  EXPECT_GT(kept, 3000u);  // the test means something
}

TEST(Filter, IsReusableFromBatchToBatch) {
  std::mt19937_64 random(9);
  const FilterSpec spec{.pids = {101, 102}, .rports = {40001, 40002}, .raddrs = {*parse_prefix("192.168.1.0/24")}};
  Filter filter(spec);
  std::vector<std::uint32_t> rows;
  for (int i = 0; i < 200; ++i) {
    const capture::Batch batch = random_batch(random, random() % 200);
    filter.select(batch, 0, static_cast<std::uint32_t>(batch.size()), 0, rows);
    ASSERT_EQ(rows, slow_select(spec, batch, 0));
  }
}

TEST(Filter, OfTheQueueAndTheNamespaces) {
  Accept accept = sshd();
  accept.listener.netns = 4026531840;
  accept.listener.cgroup = 77;
  accept.wait_us = 20'000;
  const capture::Batch batch = batch_of({accept, iperf3()});
  EXPECT_EQ(select({.netns = {4026531840}}, batch), Rows{0});
  EXPECT_EQ(select({.netns = {1}}, batch), Rows{});
  EXPECT_EQ(select({.cgroups = {77, 78}}, batch), Rows{0});
  EXPECT_EQ(select({.wait_over_us = 19'999}, batch), Rows{0});
  EXPECT_EQ(select({.wait_over_us = 20'000}, batch), Rows{});
}

}  // namespace
}  // namespace tcpaccept::report
