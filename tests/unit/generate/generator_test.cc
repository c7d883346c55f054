#include "generate/generator.h"

#include <gtest/gtest.h>

#include <set>

#include "capture/reader.h"

namespace tcpaccept::generate {
namespace {

struct Seen {
  std::string bytes;
  std::uint64_t accepts = 0;
  std::uint64_t v6 = 0;
  std::uint64_t losses = 0;  // batches
  std::uint64_t lost = 0;
  std::uint64_t gaps = 0;
  std::set<std::uint16_t> ports;
  std::set<IpAddress> remotes;
  std::uint64_t first = 0, last = 0;
  bool recorded_waits = false;
  std::optional<capture::End> end;
  std::vector<Gap> holes;  // losses, too
};

Seen generate(const Plan& plan) {
  Seen seen;
  Generator(plan, [&](Bytes frame) { seen.bytes.append(reinterpret_cast<const char*>(frame.data()), frame.size()); }).run();
  capture::Reader reader{capture::read_from(Bytes{reinterpret_cast<const std::byte*>(seen.bytes.data()), seen.bytes.size()})};
  std::uint64_t written = 0, told = 0;
  for (auto item = reader.next(); !std::holds_alternative<capture::EndOfInput>(item); item = reader.next()) {
    if (const auto* end = std::get_if<const capture::End*>(&item)) seen.end = **end;
    const auto* got = std::get_if<const capture::Batch*>(&item);
    EXPECT_FALSE(std::holds_alternative<const capture::Damage*>(item));
    if (got == nullptr) continue;
    const capture::Batch& batch = **got;
    EXPECT_EQ(batch.first_event, seen.accepts);
    EXPECT_TRUE(told == 0 || batch.ledger->begin == told) << "accounts follow each other";
    if (batch.ledger->lost != 0 || !batch.gaps.empty()) {
      seen.holes.push_back({.begin = batch.ledger->begin, .end = batch.ledger->end});
    }
    told = batch.ledger->end;
    EXPECT_EQ(batch.ledger->hits, batch.ledger->written + batch.ledger->lost);
    written += batch.ledger->written;
    seen.lost += batch.ledger->lost;
    seen.losses += batch.ledger->lost != 0 ? 1u : 0u;
    seen.gaps += batch.gaps.size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Accept accept = batch.at(i);
      if (seen.accepts++ == 0) seen.first = accept.time;
      EXPECT_GE(accept.time, seen.last);
      seen.last = accept.time;
      seen.v6 += accept.raddr.is_v4() ? 0u : 1u;
      seen.ports.insert(accept.listener.sport);
      seen.remotes.insert(accept.raddr);
      seen.recorded_waits = seen.recorded_waits || accept.wait_us != kNotRecorded64;
    }
  }
  EXPECT_EQ(written, seen.accepts);
  EXPECT_EQ(seen.end.value().written, seen.accepts);
  EXPECT_TRUE(told == 0 || seen.end.value().clock.monotonic == told) << "the accounts cover all of it";
  return seen;
}

TEST(Generator, FollowsItsPlan) {
  const Seen seen = generate({.workload = {.remote_addresses = 50, .listeners = 3, .ipv6_share = 0.5, .mean_gap_ns = 1e6},
                              .accepts = 20'000});
  EXPECT_EQ(seen.accepts, 20'000u);
  EXPECT_EQ(seen.ports, (std::set<std::uint16_t>{8000, 8001, 8002}));
  EXPECT_EQ(seen.remotes.size(), 100u);
  EXPECT_NEAR(static_cast<double>(seen.v6), 10'000, 500);
  EXPECT_NEAR(static_cast<double>(seen.last - seen.first), 20e9, 1e9);
  EXPECT_TRUE(seen.recorded_waits);
  EXPECT_EQ(seen.losses + seen.gaps, 0u);
}

TEST(Generator, MakesAsManyHolesAsAskedFor) {
  for (const auto& [losses, gaps] : {std::pair{3u, 0u}, std::pair{0u, 2u}, std::pair{2u, 5u}, std::pair{7u, 1u}}) {
    const Seen seen = generate({.accepts = 5'000, .losses = losses, .gaps = gaps});
    EXPECT_EQ(seen.losses, losses);
    EXPECT_EQ(seen.gaps, gaps);
    EXPECT_EQ(seen.lost, losses * 50u);
    EXPECT_EQ(seen.accepts, 5'000u);
  }
}

TEST(Generator, EndsByTimeWithItsHolesEvenlyInIt) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr std::uint64_t kStart = 86'400 * kSecond;
  const Seen whole = generate({.workload = {.mean_gap_ns = 1e6}, .duration = 60 * kSecond});
  EXPECT_EQ(whole.end.value().clock.monotonic, kStart + 60 * kSecond);
  EXPECT_EQ(whole.end.value().reason, "duration");
  EXPECT_NEAR(static_cast<double>(whole.accepts), 60'000, 1000);
  EXPECT_LE(whole.last, kStart + 60 * kSecond);

  // Four stretches of 14.55 s, three holes of 0.6 s between them.
  const Seen seen = generate({.workload = {.mean_gap_ns = 1e6}, .duration = 60 * kSecond, .losses = 2, .gaps = 1});
  EXPECT_EQ(seen.end.value().clock.monotonic, kStart + 60 * kSecond);
  EXPECT_EQ(seen.losses, 2u);
  EXPECT_EQ(seen.gaps, 1u);
  ASSERT_EQ(seen.holes.size(), 3u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(seen.holes[i].begin, kStart + (i + 1) * 14'550'000'000 + i * 600'000'000);
    EXPECT_EQ(seen.holes[i].end, seen.holes[i].begin + 600'000'000);
  }
  EXPECT_NEAR(static_cast<double>(seen.lost), 1200, 150);
  EXPECT_NEAR(static_cast<double>(seen.accepts), 58'200, 1000);
}

TEST(Generator, AHoleHasItsLossAndItsPlaceHoweverFewAccepts) {
  const Seen seen = generate({.workload = {.mean_gap_ns = 1e8}, .duration = 10'000'000'000, .losses = 60, .gaps = 40});
  EXPECT_EQ(seen.losses, 60u);
  EXPECT_EQ(seen.gaps, 40u);
  ASSERT_EQ(seen.holes.size(), 100u);
  for (std::size_t i = 1; i < seen.holes.size(); ++i) EXPECT_GT(seen.holes[i].begin, seen.holes[i - 1].end);
  EXPECT_EQ(seen.end.value().clock.monotonic, 86'410'000'000'000u);
}

TEST(Generator, TheSameSeedGivesTheSameBytes) {
  const Plan plan{.accepts = 3'000, .losses = 1};
  EXPECT_EQ(generate(plan).bytes, generate(plan).bytes);
  Plan other = plan;
  other.workload.seed = 2;
  EXPECT_NE(generate(plan).bytes, generate(other).bytes);
  const Plan timed{.duration = 100'000'000, .losses = 1};
  EXPECT_EQ(generate(timed).bytes, generate(timed).bytes);
}

TEST(Generator, NoAcceptsAreACaptureToo) {
  EXPECT_EQ(generate({.accepts = 0}).accepts, 0u);
  EXPECT_EQ(generate({.accepts = 0, .losses = 1}).losses, 1u);
  EXPECT_FALSE(generate({.workload = {.metrics = false}, .accepts = 10}).recorded_waits);
}

}  // namespace
}  // namespace tcpaccept::generate
