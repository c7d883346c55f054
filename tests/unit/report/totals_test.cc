#include "report/totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/info.h"
#include "support/samples.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kSecond = 1'000'000'000;

// Feeds items and counts offsets on its own: every item takes 100 bytes.
class Book {
 public:
  Book() : totals_({.session = [this](const SessionTotals& session) { sessions.push_back(session); }}) {}

  Book& add(const capture::Start& item) { return next(&item); }
  Book& add(const capture::Batch& item) {
    const capture::BatchFrame frame{.tables = &item,
                                    .events = static_cast<std::uint32_t>(item.size()),
                                    .peers = item.peers.size(),
                                    .first_time = item.size() != 0 ? item.time.front() : 0,
                                    .last_time = item.size() != 0 ? item.time.back() : 0};
    next(&frame);
    totals_.add_events(item);
    return *this;
  }
  Book& add(const capture::End& item) { return next(&item); }
  Book& add(const capture::Damage& item) { return next(&item); }
  Book& add(const capture::UnknownFrame& item) { return next(&item); }
  const Findings& close() {
    totals_.add(capture::EndOfInput{}, offset_);
    return totals_.findings();
  }
  const Findings& stop() {
    totals_.stop(offset_);
    return totals_.findings();
  }

  std::vector<SessionTotals> sessions;

 private:
  Book& next(const capture::FrameReader::Item& item) {
    totals_.add(item, offset_ += 100);
    return *this;
  }

  Totals totals_;
  std::uint64_t offset_ = 0;
};

capture::Batch with_ledger(std::size_t accepts, std::uint64_t second, std::uint64_t lost = 0,
                           std::uint64_t misses = 0) {
  capture::Batch batch = batch_of(std::vector<Accept>(accepts, sshd()));
  batch.ledger = capture::Ledger{.begin = kMonotonic + second * kSecond,
                                 .end = kMonotonic + (second + 1) * kSecond,
                                 .hits = accepts + lost,
                                 .misses = misses,
                                 .lost = lost,
                                 .written = accepts};
  return batch;
}

std::string info_of(const SessionTotals& session) {
  text::Buffer out;
  append_session(session, out);
  return std::string(out.view());
}

TEST(Totals, ACleanSessionHasNoFindings) {
  Book account;
  const Findings& findings = account.add(start()).add(with_ledger(3, 0)).add(with_ledger(2, 1)).add(end(5, 2)).close();
  EXPECT_TRUE(findings.complete());
  EXPECT_THAT(findings.lines("x"), IsEmpty());
  ASSERT_EQ(account.sessions.size(), 1u);
  const SessionTotals& session = account.sessions.front();
  EXPECT_EQ(session.accepts, 5u);
  EXPECT_EQ(session.accepts_v4, 5u);
  EXPECT_EQ(session.batches, 2u);
  EXPECT_EQ(session.bytes, 400u);
  EXPECT_EQ(session.ledger.hits, 5u);
  EXPECT_EQ(session.first_wall, kWall);
}

TEST(Totals, LostAcceptsAreNamedWithTheirTime) {
  Book account;
  account.add(start()).add(with_ledger(3, 0, 12)).add(end(3, 1));
  EXPECT_THAT(account.close().lines("x.tcpa"),
              ElementsAre("x.tcpa: 12 accepts lost between 2026-11-23T08:10:50.000Z and 2026-11-23T08:10:51.000Z "
                          "(the recorder's rings were full; record with a larger --ring-size)"));
}

TEST(Totals, NeighbouringSlicesAreOneStretch) {
  Book account;
  account.add(start())
      .add(with_ledger(1, 0, 1))
      .add(with_ledger(1, 1, 1))
      .add(with_ledger(1, 2))
      .add(with_ledger(1, 3, 0, 4))
      .add(end(4, 4));
  const Findings& findings = account.close();
  EXPECT_EQ(findings.holes, 2u);
  ASSERT_EQ(findings.hole_list.size(), 2u);
  EXPECT_EQ(findings.hole_list[0].lost, 2u);
  EXPECT_EQ(findings.hole_list[1].misses, 4u);
  EXPECT_THAT(findings.lines("x"),
              ElementsAre(HasSubstr("2 accepts lost between 2026-11-23T08:10:50.000Z and 2026-11-23T08:10:52.000Z"),
                          HasSubstr("4 accepts missed by the kernel's probe between 2026-11-23T08:10:53.000Z and "
                                    "2026-11-23T08:10:54.000Z")));
}

TEST(Totals, GapsAreNamedWithReasonTimeAndBound) {
  capture::Batch switched = with_ledger(1, 0);
  switched.gaps = {{.begin = kMonotonic, .end = kMonotonic + 1'000'000'000, .reason = GapReason::kProbesOff}};
  capture::Batch still = with_ledger(1, 1);
  still.gaps = {{.begin = kMonotonic + 1'000'000'000, .end = kMonotonic + 2'000'000'000, .reason = GapReason::kProbesOff},
                {.begin = kMonotonic, .end = kMonotonic, .reason = GapReason::kWaitingThreads, .at_most = 12},
                {.begin = kMonotonic,
                 .end = kMonotonic + 3'000'000,
                 .cpu = 3,
                 .reason = GapReason::kCpuOnline,
                 .at_most = 1},
                {.begin = kMonotonic, .end = kMonotonic + 1, .reason = static_cast<GapReason>(99)}};
  Book account;
  account.add(start()).add(switched).add(still).add(end(2, 2));
  const Findings& findings = account.close();
  EXPECT_FALSE(findings.complete());
  EXPECT_THAT(
      findings.lines("x"),
      ElementsAre("x: between 2026-11-23T08:10:50.000Z and 2026-11-23T08:10:52.000Z accepts may have gone unseen: probes "
                  "were switched off",
                  "x: from 2026-11-23T08:10:50.000Z on accepts may have gone unseen, at most 12: a return probe does not "
                  "see the next accept of threads that wait already",
                  "x: between 2026-11-23T08:10:50.000Z and 2026-11-23T08:10:50.003Z accepts on CPU 3 may have gone "
                  "unseen, at most 1: the CPU came online",
                  HasSubstr("for another reason (99)")));
}

TEST(Totals, CompletenessThatIsNotProvedCountsOnlyWhenAskedFor) {
  Book account;
  account.add(start()).add(with_ledger(1, 0)).add(end(1, 1));
  const Findings& findings = account.close();
  EXPECT_TRUE(findings.complete());
  EXPECT_FALSE(findings.complete(true));
  EXPECT_THAT(findings.lines("x"), IsEmpty());
  EXPECT_THAT(findings.lines("x", true), ElementsAre("x: session 1: its recorder did not prove that the probe works"));
}

TEST(Totals, WhatAReturnProbeMissedUncountedIsSaidAlways) {
  Book account;
  capture::Start begin = start();
  begin.probe.self_test = {"IPv4: as expected"};
  begin.probe.notes = {"probe misses are not recorded: this kernel counts failed fetches among them",
                       "return probe: the next accept of every thread that already waits in accept() is not seen"};
  const Findings& findings = account.add(begin).add(with_ledger(1, 0)).add(end(1, 1)).close();
  EXPECT_TRUE(findings.complete());
  EXPECT_FALSE(findings.complete(true));
  EXPECT_THAT(findings.lines("x"),
              ElementsAre("x: what the probe missed was not counted: whether accepts are missing is not known"));
  EXPECT_THAT(findings.lines("x", true), ElementsAre("x: session 1: its kernel could not count what the probe missed"));
  EXPECT_THAT(info_of(account.sessions.front()),
              HasSubstr("  account        1 probe hits = 1 written + 0 filtered + 0 lost; what the probe missed is not known\n"));
  // An entry probe misses next to nothing.
  Book entry;
  begin.probe.notes.pop_back();
  EXPECT_THAT(entry.add(begin).add(with_ledger(1, 0)).add(end(1, 1)).close().lines("x"), IsEmpty());
}

TEST(Totals, ListsAreBounded) {
  Book account;
  account.add(start());
  for (std::uint64_t i = 0; i < 1000; ++i) {
    account.add(with_ledger(0, 2 * i, 1));
    account.add(capture::Damage{.offset = i, .length = 2, .why = "x", .tail = false});
  }
  const Findings& findings = account.close();
  EXPECT_EQ(findings.holes, 1000u);
  EXPECT_EQ(findings.lost, 1000u);
  EXPECT_EQ(findings.hole_list.size(), Findings::kMaxListed);
  EXPECT_EQ(findings.damages, 1000u);
  EXPECT_EQ(findings.damage_list.size(), Findings::kMaxListed);
  EXPECT_EQ(findings.lines("x").size(), 3u);  // lost, damaged, no end
}

TEST(Totals, DamageAndTornTail) {
  Book account;
  account.add(start())
      .add(capture::Damage{.offset = 4096, .length = 312, .why = "checksum does not match", .tail = false})
      .add(end(0, 0));
  EXPECT_THAT(account.close().lines("f"),
              ElementsAre("f: damaged: 312 bytes at offset 4096 skipped (checksum does not match)"));

  Book torn;
  torn.add(start())
      .add(with_ledger(1, 0))
      .add(capture::Damage{.offset = 9, .length = 1, .why = "cut short", .tail = true});
  EXPECT_THAT(torn.close().lines("f"),
              ElementsAre("f: damaged at the end: the last 1 byte, from offset 9, are unusable (cut short)",
                          "f: not ended cleanly: the recorder was killed or still runs; the last accept is of "
                          "2026-11-23T08:10:50.000000Z"));
}

TEST(Totals, AcceptsThatAnEndCountsButAreGone) {
  Book account;
  account.add(start()).add(with_ledger(3, 0)).add(end(10, 4));
  EXPECT_THAT(account.close().lines("f"), ElementsAre("f: 7 accepts the recorder wrote are missing from the file"));
  Book repeated;
  repeated.add(start()).add(with_ledger(3, 0)).add(with_ledger(3, 0)).add(end(3, 1));
  EXPECT_THAT(repeated.close().lines("f"), ElementsAre(HasSubstr("3 accepts more than the recorder wrote")));
}

TEST(Totals, AnAccountThatDoesNotBalance) {
  capture::Batch batch = with_ledger(3, 0);
  batch.ledger->hits = 5;
  Book account;
  account.add(start()).add(batch).add(end(3, 1));
  EXPECT_THAT(account.close().lines("f"),
              ElementsAre("f: the recorder's account does not balance: 5 probe hits, but 3 written, 0 filtered and "
                          "0 lost"));
}

TEST(Totals, SessionsOfAConcatenation) {
  Book account;
  account.add(start()).add(with_ledger(1, 0)).add(end(1, 1)).add(start("boot-b")).add(with_ledger(2, 0)).add(end(2, 1));
  EXPECT_TRUE(account.close().complete());
  EXPECT_EQ(account.sessions.size(), 2u);
  EXPECT_EQ(account.sessions[1].number, 2u);

  Book killed;  // the first recorder did not get to its end
  killed.add(start()).add(with_ledger(1, 0)).add(start()).add(with_ledger(1, 0)).add(end(1, 1));
  EXPECT_EQ(killed.close().without_end, 1u);
}

TEST(Totals, MissingStart) {
  Book account;
  account.add(with_ledger(1, 0)).add(end(1, 1));
  EXPECT_THAT(account.close().lines("f"), ElementsAre("f: the start of a recording is missing"));
}

TEST(Totals, StoppingOnRequestIsNoFinding) {
  Book account;
  account.add(start()).add(with_ledger(1, 0));
  EXPECT_TRUE(account.stop().complete());
}

TEST(Totals, UnknownFramesAreCountedAndEscaped) {
  Book account;
  account.add(start()).add(capture::UnknownFrame{.offset = 7, .why = "a\x1b"}).add(end(0, 0));
  EXPECT_THAT(account.close().lines("f"),
              ElementsAre("f: 1 frame of a newer recorder skipped, the first at offset 7 (a\\x1b); use a newer "
                          "tcpaccept-report"));
}

// ---- the text of --info ----

TEST(Info, NamesEverything) {
  Book account;
  capture::Start begin = start();
  begin.pids = {5, 6};
  begin.probe.notes = {"no cgroup"};
  capture::Batch batch = with_ledger(3, 0, 2, 1);
  batch.listeners[1].saddr = address("2001:db8::1");
  account.add(begin).add(batch).add(end(3, 1)).close();
  EXPECT_EQ(info_of(account.sessions.front()),
            "session 1\n"
            "  host           web1\n"
            "  kernel         6.1.0-18-amd64\n"
            "  build          #1 SMP\n"
            "  machine        x86_64\n"
            "  distribution   Debian GNU/Linux 12 (bookworm)\n"
            "  boot id        boot-a\n"
            "  recorder       tcpaccept-record 0.1.0\n"
            "  cpus           2, a ring of 524288 bytes each\n"
            "  processes      5, 6\n"
            "  probe          graft on security_sock_graft, offsets from btf\n"
            "  definition     p:tcpaccept/x security_sock_graft\n"
            "  filter         family==2\n"
            "  self-test      not recorded\n"
            "  note           no cgroup\n"
            "  start          2026-11-23T08:10:50.000000000Z\n"
            "  end            2026-11-23T08:10:55.000000000Z (signal)\n"
            "  duration       5.000 s, of the recording\n"
            "  clock          steady\n"
            "  accepts        3 in 1 batch, 2 over IPv4, 1 over IPv6\n"
            "  first accept   2026-11-23T08:10:50.000000000Z\n"
            "  last accept    2026-11-23T08:10:50.000000000Z\n"
            "  span           0.000 s, from the first accept to the last\n"
            "  rate           not known\n"
            "  size           300 bytes, 100.00 for each accept\n"
            "  account        5 probe hits = 3 written + 0 filtered + 2 lost; 1 missed by the probe\n");
}

// What is left of a long recording has a rate of its own, and batches need not be in order of time.
TEST(Info, TheRateIsOfTheAcceptsThatAreThere) {
  Accept late = sshd(), later = sshd();
  late.time += 3 * kSecond;
  later.time += 3 * kSecond + kSecond / 2;
  Book account;
  account.add(start()).add(batch_of({later})).add(batch_of({late, late})).add(end(3, 2)).close();
  EXPECT_THAT(info_of(account.sessions.front()),
              HasSubstr("  first accept   2026-11-23T08:10:53.000000000Z\n"
                        "  last accept    2026-11-23T08:10:53.500000000Z\n"
                        "  span           0.500 s, from the first accept to the last\n"
                        "  rate           6.00 accepts/s in that time\n"));
}

TEST(Info, EscapesAndShortensStrangersText) {
  Book account;
  capture::Start begin = start();
  begin.host = "a\x1b]0;x\x07\n";
  begin.kernel = std::string(100'000, 'k');
  account.add(begin).add(end(0, 0)).close();
  const std::string text = info_of(account.sessions.front());
  EXPECT_THAT(text, HasSubstr("host           a\\x1b]0;x\\x07\\x0a\n"));
  EXPECT_THAT(text, HasSubstr("kkk... (100000 bytes)\n"));
  EXPECT_LT(text.size(), 4000u);
}

TEST(Info, ClockStepsAndSuspends) {
  Book account;
  capture::Batch stepped = with_ledger(1, 0);
  stepped.clock.realtime += 2'500'000'000;
  stepped.clock.boottime += 7'000'000'000;
  capture::End last = end(1, 1);
  last.clock.boottime += 7'000'000'000;
  account.add(start()).add(stepped).add(last).close();
  EXPECT_THAT(info_of(account.sessions.front()),
              HasSubstr("clock          wall clock and monotonic clock drifted apart by up to 2.500 s; suspended for "
                        "7.000 s\n"));
}

TEST(Info, WithoutStartAndEnd) {
  Book account;
  account.add(batch_of({sshd()})).close();
  const std::string text = info_of(account.sessions.front());
  EXPECT_THAT(text, HasSubstr("unknown: the start of the recording is missing"));
  EXPECT_THAT(text, HasSubstr("not ended cleanly; last written 2026-11-23T08:10:50.000000000Z"));
  EXPECT_THAT(text, HasSubstr("account        not recorded"));
}

// ---- numbered and open batches ----

capture::Batch numbered(capture::Batch batch, std::uint64_t first_event, std::uint32_t open = 0) {
  batch.first_event = first_event;
  batch.open = open;
  return batch;
}

TEST(Totals, OfTheFormsOfABatchTheLastCounts) {
  Book book;
  const Findings& findings = book.add(start())
                                 .add(numbered(with_ledger(2, 0), 0, 1))
                                 .add(numbered(with_ledger(5, 0), 0, 3))
                                 .add(numbered(with_ledger(4, 0), 0, 2))  // the other place: older
                                 .add(numbered(with_ledger(6, 0, 7), 0))
                                 .add(numbered(with_ledger(1, 1), 6))
                                 .add(end(7, 2))
                                 .close();
  ASSERT_EQ(book.sessions.size(), 1u);
  EXPECT_EQ(book.sessions[0].accepts, 7u);
  EXPECT_EQ(book.sessions[0].batches, 2u);
  EXPECT_EQ(book.sessions[0].ledger.written, 7u);
  EXPECT_EQ(findings.lost, 7u);
  EXPECT_EQ(findings.absent + findings.surplus + findings.unbalanced, 0u);
}

TEST(Totals, AnOpenBatchCountsWhereTheRecorderWasKilled) {
  Book book;
  const Findings& findings =
      book.add(start()).add(numbered(with_ledger(5, 0), 0, 6)).add(numbered(with_ledger(4, 0), 0, 5)).close();
  EXPECT_EQ(book.sessions[0].accepts, 5u);
  EXPECT_EQ(book.sessions[0].ledger.written, 5u);
  EXPECT_EQ(findings.without_end, 1u);
  EXPECT_EQ(findings.absent, 0u);
}

TEST(Totals, AnOldOpenBatchBehindTheFinalOneIsPassedOver) {
  Book book;
  book.add(start()).add(numbered(with_ledger(6, 0, 1), 0)).add(numbered(with_ledger(5, 0, 1), 0, 5)).close();
  EXPECT_EQ(book.sessions[0].accepts, 6u);
  EXPECT_EQ(book.sessions[0].ledger.lost, 1u);
}

TEST(Totals, NumbersTellHowManyAreMissing) {
  Book book;
  book.add(start()).add(numbered(with_ledger(3, 0), 0));
  book.add(capture::Damage{.offset = 50, .length = 9, .why = "checksum does not match"});
  const Findings& findings = book.add(numbered(with_ledger(2, 2), 8)).close();
  EXPECT_EQ(findings.absent, 5u);
  ASSERT_EQ(findings.damage_list.size(), 1u);
  EXPECT_EQ(findings.damage_list[0].missing, 5u);
  EXPECT_EQ(cost_text(findings.damage_list[0]),
            ": 5 accepts missing between 2026-11-23T08:10:50.000Z and 2026-11-23T08:10:50.000Z");
}

}  // namespace
}  // namespace tcpaccept::report
