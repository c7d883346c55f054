// What an input turned out to hold, and what it lacks: counted while it is read, in constant memory.
//
// Loss is data. Whatever makes a capture less than complete ends up in Findings, from there on stderr and in the
// exit status; a session's own account goes to whoever asked for it (--info) when the session is over.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"
#include "capture/reader.h"
#include "core/gap.h"

namespace tcpaccept::report {

// What a batch says beside its accepts.
struct Account {
  capture::ClockAnchor clock;
  std::optional<capture::Ledger> ledger;
  std::vector<capture::CpuLoss> cpu_losses;
  std::vector<Gap> gaps;
};

// From a Start frame to its End, or to whatever follows.
struct SessionTotals {
  std::optional<capture::Start> start;
  std::optional<capture::End> end;
  std::uint64_t number = 0;  // counted from 1
  std::uint64_t bytes = 0;   // of the input, damage included
  std::uint64_t batches = 0;
  std::uint64_t accepts = 0;
  std::uint64_t accepts_v4 = 0;  // as shown; of the batches given to add_events()
  std::uint64_t skipped = 0;     // accepts that, by the numbers of those behind them, should be there
  std::int64_t first_wall = 0;   // of the earliest and the latest accept, if there is one
  std::int64_t last_wall = 0;
  std::uint64_t ledgers = 0;
  capture::Ledger ledger;  // sums; begin and end are not used
  std::map<std::uint16_t, std::uint64_t> lost_by_cpu;
  // The widest apart that anchors put wall time and CLOCK_MONOTONIC, and BOOTTIME and CLOCK_MONOTONIC.
  std::int64_t wall_offset_min = 0, wall_offset_max = 0;
  std::uint64_t suspended = 0;
  std::optional<capture::ClockAnchor> first_clock;
  std::optional<capture::ClockAnchor> last_clock;

  // From the earliest accept to the latest, nanoseconds of wall time.
  std::uint64_t span() const { return static_cast<std::uint64_t>(last_wall) - static_cast<std::uint64_t>(first_wall); }
  // Accepts a second in that time, if it is any.
  std::optional<double> rate() const;
  // By its start, its ledgers and its end.
  capture::Unproved unproved() const;
};

// A batch with a checksum that is right and events that cannot be read; its account was read and counts.
struct Spoilt {
  capture::Damage damage;
  capture::ClockAnchor clock;
  std::uint64_t first_time = 0;  // of its events
  std::uint64_t last_time = 0;
  std::uint32_t events = 0;  // those that are missing for it
};

// Who wants to know as the reading goes on. Any of them may be empty.
struct Observer {
  std::function<void(const capture::Start&)> start{};
  // Each batch once more complete than before; `skipped`: accepts that, by its number, should have come before it.
  std::function<void(const capture::BatchFrame&, std::uint64_t skipped)> batch{};
  // The account of a batch, once.
  std::function<void(const Account&)> account{};
  std::function<void(const capture::Damage&)> damage{};
  // From the last accept before some damage to the first one behind it, in wall time, if accepts may be missing there.
  std::function<void(std::int64_t begin, std::int64_t end)> damaged_time{};
  // A batch that was told of. Of the input's items only those that are decoded ahead of it come in between.
  std::function<void(const Spoilt&)> spoilt{};
  // A session that is over.
  std::function<void(const SessionTotals&)> session{};
};

// Damage and what it cost.
struct DamageFinding {
  capture::Damage damage;
  // Wall time of the last accept before and the first one behind it in its session, where there are any.
  std::optional<std::int64_t> begin{};
  std::optional<std::int64_t> end{};
  std::optional<std::uint64_t> missing{};  // accepts, where their numbers tell
};

// A stretch of time for which the recorder knows that accepts are missing.
struct Hole {
  std::int64_t begin = 0;  // wall time
  std::int64_t end = 0;
  std::uint64_t lost = 0;
  std::uint64_t misses = 0;
};

// A stretch of time in which accepts may have gone unseen, in wall time.
struct Unseen {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::uint16_t cpu = kNotRecorded16;      // kNotRecorded16 = all
  GapReason reason = GapReason::kOther;
  std::uint64_t at_most = kNotRecorded64;  // accepts; kNotRecorded64 = any number
};

struct Findings {
  // Lists are bounded; the counts are not.
  static constexpr std::size_t kMaxListed = 64;
  // As many holes have a line each; of more there is one with their sum.
  static constexpr std::size_t kMaxLines = 10;

  std::uint64_t holes = 0;
  std::vector<Hole> hole_list;
  std::uint64_t lost = 0;    // accepts the kernel could not hand over
  std::uint64_t misses = 0;  // accepts the probe missed
  std::int64_t hole_begin = 0, hole_end = 0;  // from the first hole to the end of the last
  std::uint64_t unseen = 0;
  std::vector<Unseen> unseen_list;
  std::int64_t unseen_begin = 0, unseen_end = 0;
  std::uint64_t unseen_at_most = 0;  // sum; kNotRecorded64 = any number
  // Where completeness is not known rather than known to be wanting; a line each, without the name of the input.
  std::vector<std::string> unproved;
  std::uint64_t uncounted = 0;  // sessions whose probe may have missed accepts that nobody counted
  std::uint64_t damages = 0;  // without a torn tail
  std::uint64_t damaged_bytes = 0;
  std::vector<DamageFinding> damage_list;
  std::optional<DamageFinding> torn_tail;
  std::uint64_t unknown_frames = 0;
  std::optional<capture::UnknownFrame> first_unknown;
  std::uint64_t without_start = 0;  // sessions
  std::uint64_t without_end = 0;    // sessions
  std::optional<std::int64_t> shown_up_to;  // wall time of the last accept of a session without End
  std::uint64_t absent = 0;   // accepts an End frame counts that are not there
  std::uint64_t surplus = 0;  // accepts that are there more often than an End frame counts
  std::uint64_t unbalanced = 0;  // sessions whose ledger does not add up though nothing else is wrong
  capture::Ledger unbalanced_ledger;  // of the first of them

  // `strict`: unproved completeness is no completeness.
  bool complete(bool strict = false) const;
  // What is wanting lies where an account says, or behind the last account of a session without end: elsewhere all is
  // there. Damage, whose place in time nobody knows, apart from a torn tail, is none of that.
  bool placed(bool strict = false) const;
  // One line per kind of trouble, each beginning with `name`, if there is one. It is safe to print; so are the lines.
  // `uncounted` has one although it does not make a capture incomplete.
  std::vector<std::string> lines(std::string_view name, bool strict = false) const;

 private:
  void add_hole_lines(const std::string& front, std::vector<std::string>& lines) const;
  void add_unseen_lines(const std::string& front, std::vector<std::string>& lines) const;
};

// "accepts on CPU 3 may have gone unseen, at most 12: the CPU came online", without the time. One line, safe to print.
std::string unseen_text(const Unseen& unseen);
// ": 12 accepts missing between ... and ...", as far as it is known; or "".
std::string cost_text(const DamageFinding& finding);

class Totals {
 public:
  explicit Totals(Observer observer = {});

  // Every item of the input in order; `offset`: of the reader, after the item. EndOfInput closes the account.
  void add(const capture::FrameReader::Item& item, std::uint64_t offset);
  // Of the batch added last: so many of its first events were in an earlier form of it and are accounted for already.
  std::uint32_t repeated() const { return repeated_; }
  // Before it is added: this batch is of another session than what came before it, whose start is missing.
  bool begins_unseen_session(const capture::BatchFrame& batch) const;
  // What only the events of a batch tell. For the batch added last.
  void add_events(const capture::Batch& batch);
  // A batch that was added, and maybe others behind it. Of the session it stays a part.
  void spoil(const Spoilt& spoilt);
  // Reading ends here because the user said so: a missing end is no finding.
  void stop(std::uint64_t offset);

  const Findings& findings() const { return findings_; }
  std::uint64_t sessions() const { return sessions_; }
  // Of the sessions that are over.
  std::uint64_t accepts() const { return accepts_; }
  std::uint64_t batches() const { return batches_; }

 private:
  void begin_session();
  void end_session(bool stopped);
  // The account of a batch that its recorder may have replaced by a later one.
  struct OpenAccount {
    std::uint64_t first_event = 0;
    std::uint32_t open = 0;
    Account account;
  };

  void add_batch(const capture::BatchFrame& batch);
  void add_damage(const capture::Damage& damage);
  void add_account(const Account& account);
  void close_damages(std::optional<std::int64_t> end, std::optional<std::uint64_t> missing);
  void close_open_account();
  void add_ledger(const capture::Ledger& ledger, const capture::ClockAnchor& clock);
  void add_clock(const capture::ClockAnchor& clock);
  void add_gap(const Gap& gap, const capture::ClockAnchor& clock);
  void find_unproved(const SessionTotals& session);

  Observer observer_;
  // Nothing behind these has been seen yet: the last ones of the list, and the time of the first of them.
  std::size_t open_damages_ = 0;
  std::optional<std::int64_t> open_since_;
  Findings findings_;
  std::optional<SessionTotals> session_;
  std::uint64_t sessions_ = 0;
  std::uint64_t accepts_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t session_begin_ = 0;  // offset
  std::uint64_t offset_ = 0;         // after the last item
  bool damage_in_session_ = false;
  std::uint64_t last_ledger_end_ = 0;
  bool last_ledger_incomplete_ = false;
  std::optional<Gap> last_gap_;  // of the session
  std::optional<OpenAccount> open_;
  std::uint64_t next_event_ = 0;  // of the session: one past those seen
  // Of the batch seen last.
  std::uint64_t last_first_event_ = 0;
  std::uint64_t last_first_time_ = 0;
  std::uint32_t last_events_ = 0;
  std::uint32_t repeated_ = 0;
  std::vector<std::uint32_t> per_listener_;
};

}  // namespace tcpaccept::report
