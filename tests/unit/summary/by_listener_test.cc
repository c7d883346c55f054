#include "summary/by_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "support/samples.h"
#include "text/wall_time.h"

namespace tcpaccept::summary {
namespace {

using namespace samples;
using ::testing::HasSubstr;
using ::testing::Not;

std::string written(Summary& summary, text::Format format, const Holes& holes = {}) {
  std::string out;
  summary.write(format, holes, [&](std::string_view text) { out += text; });
  return out;
}
std::string table(Summary& summary, const Holes& holes = {}) { return written(summary, text::Format::kTable, holes); }

// CSV as rows of fields; none of those here is quoted.
std::vector<std::vector<std::string>> csv(Summary& summary) {
  std::vector<std::vector<std::string>> rows(1, {""});
  for (const char c : written(summary, text::Format::kCsv)) {
    if (c == ',') rows.back().emplace_back();
    else if (c == '\n') rows.push_back({""});
    else if (c != '\r') rows.back().back() += c;
  }
  rows.pop_back();
  return rows;
}
std::map<std::string, std::string> named(const std::vector<std::vector<std::string>>& rows, std::size_t row) {
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i < rows[0].size(); ++i) fields[rows[0][i]] = rows.at(row).at(i);
  return fields;
}

void add(Summary& summary, const std::vector<Accept>& accepts) {
  const capture::Batch batch = batch_of(accepts);
  summary.add(batch, all_rows(batch));
}

Accept by(const char* comm, std::uint32_t pid, const char* from, std::uint64_t seconds = 0) {
  Accept accept = sshd();
  accept.listener.comm = Comm::from(comm);
  accept.listener.pid = pid;
  accept.raddr = address(from);
  accept.time += seconds * 1'000'000'000;
  return accept;
}

TEST(ByListener, WorkersOfOneSocketAreOneRow) {
  ByListener summary;
  add(summary, {by("nginx", 10, "10.0.0.1"), by("nginx", 11, "10.0.0.1", 1), by("nginx", 12, "10.0.0.2", 4)});
  const auto rows = csv(summary);
  ASSERT_EQ(rows.size(), 3u);  // header, the listener, the total
  auto row = named(rows, 1);
  EXPECT_EQ(row["kind"], "listener");
  EXPECT_EQ(row["comm"], "nginx");
  EXPECT_EQ(row["comms"], "1");
  EXPECT_EQ(row["pid"], "10");
  EXPECT_EQ(row["pids"], "3");
  EXPECT_EQ(row["accepts"], "3");
  EXPECT_EQ(row["remotes"], "2");
  EXPECT_EQ(row["remotes_exact"], "1");
  EXPECT_EQ(row["per_second"], "0.750");
  EXPECT_EQ(row["first"], "2026-11-23T08:10:50.000000000Z");
  EXPECT_EQ(row["last"], "2026-11-23T08:10:54.000000000Z");
  EXPECT_EQ(row["ahead_max"], "");
  EXPECT_EQ(row["wait_p50_us"], "");
  EXPECT_THAT(table(summary), HasSubstr("3 pids"));
}

TEST(ByListener, ThreadsWithNamesOfTheirOwnAreOneRowUnderTheMostFrequentOne) {
  ByListener summary;
  add(summary, {by("worker-1", 10, "10.0.0.1"), by("worker-2", 10, "10.0.0.1"), by("worker-2", 10, "10.0.0.1"),
                by("worker-3", 10, "10.0.0.1")});
  EXPECT_EQ(named(csv(summary), 1)["comm"], "worker-2");
  EXPECT_EQ(named(csv(summary), 1)["comms"], "3");
  EXPECT_THAT(table(summary), HasSubstr("worker-2 +2"));
}

TEST(ByListener, AddressPortProtocolAndNamespaceTellListenersApart) {
  std::vector<Accept> accepts(5, sshd());
  accepts[1].listener.saddr = address("192.168.60.171");
  accepts[2].listener.sport = 23;
  accepts[3].listener.protocol = kProtocolMptcp;
  accepts[4].listener.netns = 7;
  ByListener summary;
  add(summary, accepts);
  EXPECT_EQ(csv(summary).size(), 1u + 5 + 1);
  EXPECT_THAT(table(summary), HasSubstr("PROTO"));
  EXPECT_THAT(table(summary), HasSubstr("NETNS"));
  ByListener one;
  add(one, {sshd()});
  EXPECT_THAT(table(one), Not(HasSubstr("PROTO")));
}

TEST(ByListener, ShowsTheQueueAndTheWait) {
  std::vector<Accept> accepts(100, sshd());
  for (std::size_t i = 0; i < accepts.size(); ++i) {
    accepts[i].ahead = i == 50 ? 127 : 0;
    accepts[i].wait_us = i < 98 ? 40 : 1'500'000;
    accepts[i].listener.backlog = 128;
  }
  accepts[0].wait_us = kNotRecorded64;
  accepts[0].ahead = kNotRecorded32;
  ByListener summary;
  add(summary, accepts);
  auto row = named(csv(summary), 1);
  EXPECT_EQ(row["ahead_max"], "127");
  EXPECT_EQ(row["backlog"], "128");
  EXPECT_EQ(row["wait_p50_us"], "41");  // of 40 and 41
  EXPECT_EQ(row["wait_max_us"], "1500000");
  EXPECT_NEAR(std::stod(row["wait_p99_us"]), 1'500'000, 45'000);
  EXPECT_THAT(table(summary), HasSubstr("1.5s"));
}

// Figures for random batches, some rows of each, against counting one by one.
TEST(ByListener, AgreesWithCountingOneByOne) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    struct Truth {
      std::uint64_t accepts = 0;
      std::set<IpAddress> remotes;
      std::set<std::uint32_t> pids;
      std::set<std::string> comms;
      std::int64_t first = std::numeric_limits<std::int64_t>::max();
      std::int64_t last = std::numeric_limits<std::int64_t>::min();
      std::optional<std::uint32_t> ahead;
      std::optional<std::uint64_t> wait;
    };
    std::map<std::pair<std::string, std::string>, Truth> truth;
    ByListener summary;
    for (int i = 0; i < 5; ++i) {
      const capture::Batch batch = random_batch(random, 1 + random() % 400);
      std::vector<std::uint32_t> rows = all_rows(batch);
      if (i % 2 == 0) std::erase_if(rows, [&](std::uint32_t) { return random() % 3 == 0; });
      if (rows.empty()) continue;
      summary.add(batch, rows);
      for (const std::uint32_t row : rows) {
        const Accept accept = batch.at(row);
        Truth& one = truth[{to_string(accept.listener.saddr), std::to_string(accept.listener.sport)}];
        ++one.accepts;
        one.remotes.insert(accept.raddr);
        one.pids.insert(accept.listener.pid);
        one.comms.insert(std::string(accept.listener.comm.view()));
        one.first = std::min(one.first, batch.clock.wall(accept.time));
        one.last = std::max(one.last, batch.clock.wall(accept.time));
        if (accept.ahead != kNotRecorded32) one.ahead = std::max(one.ahead.value_or(0), accept.ahead);
        if (accept.wait_us != kNotRecorded64) one.wait = std::max(one.wait.value_or(0), accept.wait_us);
      }
    }
    const auto rows = csv(summary);
    ASSERT_EQ(rows.size(), truth.size() + 2) << seed;
    for (std::size_t i = 1; i + 1 < rows.size(); ++i) {
      auto row = named(rows, i);
      const Truth& one = truth.at({row["saddr"], row["sport"]});
      EXPECT_EQ(row["accepts"], std::to_string(one.accepts));
      EXPECT_EQ(row["remotes"], std::to_string(one.remotes.size()));
      EXPECT_EQ(row["pids"], std::to_string(one.pids.size()));
      EXPECT_EQ(row["comms"], std::to_string(one.comms.size()));
      EXPECT_EQ(row["first"], text::wall_text(one.first));
      EXPECT_EQ(row["last"], text::wall_text(one.last));
      EXPECT_EQ(row["ahead_max"], one.ahead ? std::to_string(*one.ahead) : "");
      EXPECT_EQ(row["wait_max_us"], one.wait ? std::to_string(*one.wait) : "");
    }
  }
}

TEST(ByListener, EstimatesAddressesBeyondItsLimitAndSaysSo) {
  ByListener summary(1000);
  for (std::uint32_t i = 0; i < 20; ++i) {
    std::vector<Accept> accepts(1000, sshd());
    for (std::uint32_t n = 0; n < accepts.size(); ++n) accepts[n].raddr = IpAddress::from_v4((i * 1000 + n) * 2654435761u);
    add(summary, accepts);
    add(summary, accepts);
  }
  add(summary, {iperf3()});
  const auto rows = csv(summary);
  auto busy = named(rows, 1);
  EXPECT_EQ(busy["remotes_exact"], "0");
  EXPECT_NEAR(std::stod(busy["remotes"]), 20'000, 1000);
  EXPECT_NEAR(std::stod(named(rows, 3)["remotes"]), 20'001, 1000) << "the total";
  EXPECT_THAT(table(summary), HasSubstr("~" + busy["remotes"]));
  EXPECT_THAT(table(summary), HasSubstr("~ is an estimate"));
}

TEST(ByListener, ListenersBeyondItsLimitShareARow) {
  ByListener summary(1000, 2);
  for (std::uint16_t port = 1; port <= 10; ++port) {
    Accept accept = sshd();
    accept.listener.sport = port;
    add(summary, {accept, accept});
  }
  const auto rows = csv(summary);
  ASSERT_EQ(rows.size(), 1u + 2 + 1 + 1);
  EXPECT_EQ(named(rows, 3)["kind"], "others");
  EXPECT_EQ(named(rows, 3)["accepts"], "16");
  EXPECT_EQ(named(rows, 4)["accepts"], "20");
  EXPECT_THAT(table(summary), HasSubstr("(~8 others)"));
}

TEST(ByListener, ListsHoles) {
  ByListener summary;
  add(summary, {sshd()});
  Holes holes{.list = {{.input = "a.tcpa", .begin = kWall, .end = kWall + 1'000'000'000, .lost = 3, .missed = 1},
                       {.input = "a.tcpa", .begin = kWall, .end = kWall, .at_most = 5, .reason = "because"}},
              .more = 2,
              .complete = false};
  const std::string text = table(summary, holes);
  EXPECT_THAT(text, HasSubstr("hole: a.tcpa: 2026-11-23T08:10:50.000Z to 2026-11-23T08:10:51.000Z: 3 lost, 1 missed"));
  EXPECT_THAT(text, HasSubstr("because\nhole: 2 more\n"));
  EXPECT_THAT(written(summary, text::Format::kJson, holes), HasSubstr("\"at_most\":5,\"reason\":\"because\"}"));
  EXPECT_THAT(table(summary), HasSubstr("holes: none known"));
  EXPECT_THAT(table(summary, {.complete = false}), Not(HasSubstr("none known")));
}

TEST(ByListener, HostileNamesAreHarmless) {
  ByListener summary;
  add(summary, {by("\x1b[2J\xff", 1, "10.0.0.1"), by("\x1b[2J\xff", 1, "10.0.0.1"), by("=1,\"", 1, "10.0.0.1")});
  EXPECT_THAT(table(summary), HasSubstr("\\x1b[2J\\xff +1"));
  for (const auto format : {text::Format::kTable, text::Format::kCsv, text::Format::kJson}) {
    for (const char c : written(summary, format)) {
      EXPECT_TRUE((c >= 0x20 && c <= 0x7e) || c == '\n' || (c == '\r' && format == text::Format::kCsv));
    }
  }
  EXPECT_THAT(written(summary, text::Format::kJson), HasSubstr("\"comm_hex\":\"1b5b324aff\""));
}

TEST(ByListener, OfNothingIsATotalOfNothing) {
  ByListener summary;
  EXPECT_THAT(table(summary), HasSubstr("total: 0 accepts\n"));
  EXPECT_EQ(csv(summary).size(), 2u);
}

}  // namespace
}  // namespace tcpaccept::summary
