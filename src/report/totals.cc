#include "report/totals.h"

#include <algorithm>
#include <utility>

#include "text/escape.h"
#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  std::string text = std::to_string(count);
  text += ' ';
  text += count == 1 ? one : many;
  return text;
}

std::string between(std::int64_t begin, std::int64_t end) {
  return "between " + text::wall_text(begin, 3) + " and " + text::wall_text(end, 3);
}

// What a plan cannot tell is among its notes (probe_plan.cc, tracer.cc), and what the watch cannot see (watch.cc).
bool has_note(const capture::Start& start, std::string_view beginning) {
  return std::any_of(start.probe.notes.begin(), start.probe.notes.end(),
                     [&](const std::string& note) { return note.starts_with(beginning); });
}

capture::Unproved own_unproved(const SessionTotals& session) {
  capture::Unproved unproved{.losses = session.ledgers == 0 && session.accepts != 0};
  if (!session.start) return unproved;
  const capture::ProbeInfo& probe = session.start->probe;
  unproved.probe = std::none_of(probe.self_test.begin(), probe.self_test.end(),
                                [](const std::string& line) { return line.ends_with("as expected"); });
  unproved.misses = has_note(*session.start, "probe misses are not recorded");
  unproved.switches = has_note(*session.start, "probes switched off");
  return unproved;
}

}  // namespace

std::optional<double> SessionTotals::rate() const {
  if (accepts == 0 || span() == 0) return std::nullopt;
  return static_cast<double>(accepts) * 1e9 / static_cast<double>(span());
}

capture::Unproved SessionTotals::unproved() const {
  capture::Unproved unproved = own_unproved(*this);
  if (end) unproved.add(end->unproved);
  return unproved;
}

bool Findings::complete(bool strict) const {
  return placed(strict) && holes == 0 && unseen == 0 && !torn_tail && without_end == 0;
}

bool Findings::placed(bool strict) const {
  return damages == 0 && unknown_frames == 0 && without_start == 0 && absent == 0 && surplus == 0 && unbalanced == 0 &&
         !(strict && !unproved.empty());
}

std::string unseen_text(const Unseen& unseen) {
  std::string text = "accepts";
  if (unseen.cpu != kNotRecorded16) text += " on CPU " + std::to_string(unseen.cpu);
  text += " may have gone unseen";
  if (unseen.at_most != kNotRecorded64) text += ", at most " + std::to_string(unseen.at_most);
  switch (unseen.reason) {
    case GapReason::kProbesOff:
      return text + ": probes were switched off";
    case GapReason::kCpuOnline:
      return text + ": the CPU came online";
    case GapReason::kWaitingThreads:
      return text + ": a return probe does not see the next accept of threads that wait already";
    case GapReason::kRemoved:
      return text + ": the probe was removed";
    case GapReason::kDamage:
      return text + ": a damaged part of the capture was left out";
    case GapReason::kNotEnded:
      return text + ": the recording was not ended cleanly, what came last is missing";
    case GapReason::kOther:
      break;
  }
  return text + " for another reason (" + std::to_string(static_cast<unsigned>(unseen.reason)) + ")";
}

std::string cost_text(const DamageFinding& finding) {
  std::string text;
  if (finding.missing) {
    text += *finding.missing == 0 ? ": no accept is missing" : ": " + counted(*finding.missing, "accept", "accepts") + " missing";
  }
  if (finding.begin && finding.end && finding.missing != 0) text += (text.empty() ? ": " : " ") + between(*finding.begin, *finding.end);
  return text;
}

void Findings::add_hole_lines(const std::string& front, std::vector<std::string>& lines) const {
  const auto add = [&](std::uint64_t lost_here, std::uint64_t missed_here, const std::string& where) {
    if (lost_here != 0) {
      lines.push_back(front + counted(lost_here, "accept", "accepts") + " lost " + where +
                      " (the recorder's rings were full; record with a larger --ring-size)");
    }
    if (missed_here != 0) {
      lines.push_back(front + counted(missed_here, "accept", "accepts") + " missed by the kernel's probe " + where);
    }
  };
  if (holes <= kMaxLines) {
    for (const Hole& hole : hole_list) add(hole.lost, hole.misses, between(hole.begin, hole.end));
  } else {
    add(lost, misses, "in " + std::to_string(holes) + " stretches " + between(hole_begin, hole_end) + "; --info lists them");
  }
}

void Findings::add_unseen_lines(const std::string& front, std::vector<std::string>& lines) const {
  if (unseen > kMaxLines) {
    lines.push_back(front + "accepts may have gone unseen in " + std::to_string(unseen) + " stretches " +
                    between(unseen_begin, unseen_end) +
                    (unseen_at_most != kNotRecorded64 ? ", at most " + std::to_string(unseen_at_most) : "") +
                    "; --info says why");
    return;
  }
  for (const Unseen& one : unseen_list) {
    const std::string when = one.begin == one.end ? "from " + text::wall_text(one.begin, 3) + " on" : between(one.begin, one.end);
    lines.push_back(front + when + " " + unseen_text(one));
  }
}

std::vector<std::string> Findings::lines(std::string_view name, bool strict) const {
  std::vector<std::string> lines;
  const std::string front = name.empty() ? "" : std::string(name) + ": ";
  add_hole_lines(front, lines);
  add_unseen_lines(front, lines);
  if (damages != 0) {
    const capture::Damage& first = damage_list.front().damage;
    std::string line = front + "damaged: ";
    if (damages == 1) {
      line += counted(first.length, "byte", "bytes") + " at offset " + std::to_string(first.offset) + " skipped (" +
              text::escaped(first.why) + ")" + cost_text(damage_list.front());
    } else {
      line += counted(damaged_bytes, "byte", "bytes") + " in " + std::to_string(damages) +
              " places skipped, the first at offset " + std::to_string(first.offset) + " (" + text::escaped(first.why) +
              "); --info lists them";
    }
    lines.push_back(line);
  }
  if (torn_tail) {
    lines.push_back(front + "damaged at the end: the last " + counted(torn_tail->damage.length, "byte", "bytes") +
                    ", from offset " + std::to_string(torn_tail->damage.offset) + ", are unusable (" +
                    text::escaped(torn_tail->damage.why) + ")");
  }
  if (unknown_frames != 0) {
    lines.push_back(front + counted(unknown_frames, "frame", "frames") +
                    " of a newer recorder skipped, the first at offset " + std::to_string(first_unknown->offset) +
                    " (" + text::escaped(first_unknown->why) + "); use a newer tcpaccept-report");
  }
  if (absent != 0) {
    lines.push_back(front + counted(absent, "accept", "accepts") +
                    " the recorder wrote " + (absent == 1 ? "is" : "are") + " missing from the file");
  }
  if (surplus != 0) {
    lines.push_back(front + counted(surplus, "accept", "accepts") +
                    " more than the recorder wrote: parts of the file are repeated");
  }
  if (unbalanced != 0) {
    const capture::Ledger& sums = unbalanced_ledger;
    lines.push_back(front + "the recorder's account does not balance: " + std::to_string(sums.hits) +
                    " probe hits, but " + std::to_string(sums.written) + " written, " +
                    std::to_string(sums.filtered) + " filtered and " + std::to_string(sums.lost) + " lost");
  }
  if (without_start != 0) {
    lines.push_back(front + "the start of " +
                    (without_start == 1 ? "a recording" : counted(without_start, "recording", "recordings")) +
                    " is missing");
  }
  if (without_end != 0) {
    std::string line = front + "not ended cleanly: the recorder was killed or still runs";
    if (shown_up_to) line += "; the last accept is of " + text::wall_text(*shown_up_to, 6);
    lines.push_back(line);
  }
  if (uncounted != 0 && !strict) {
    lines.push_back(front + "what the probe missed was not counted: whether accepts are missing is not known");
  }
  if (strict) {
    for (const std::string& line : unproved) lines.push_back(front + line);
  }
  return lines;
}

Totals::Totals(Observer observer) : observer_(std::move(observer)) {}

void Totals::add(const capture::FrameReader::Item& item, std::uint64_t offset) {
  if (const auto* start = std::get_if<const capture::Start*>(&item)) {
    end_session(false);
    begin_session();
    session_->start = **start;
    if (observer_.start) observer_.start(**start);
    add_clock((*start)->clock);
  } else if (const auto* batch = std::get_if<const capture::BatchFrame*>(&item)) {
    if (session_ && (session_->end || begins_unseen_session(**batch))) end_session(false);
    if (!session_) begin_session();
    add_batch(**batch);
  } else if (const auto* end = std::get_if<const capture::End*>(&item)) {
    if (session_ && session_->end) end_session(false);
    if (!session_) begin_session();
    session_->end = **end;
    add_clock((*end)->clock);
  } else if (const auto* damage = std::get_if<const capture::Damage*>(&item)) {
    add_damage(**damage);
  } else if (const auto* unknown = std::get_if<const capture::UnknownFrame*>(&item)) {
    damage_in_session_ = true;
    if (findings_.unknown_frames++ == 0) findings_.first_unknown = **unknown;
  } else {
    offset_ = offset;
    end_session(false);
    return;
  }
  offset_ = offset;
}

void Totals::stop(std::uint64_t offset) {
  offset_ = offset;
  end_session(true);
}

void Totals::begin_session() {
  session_.emplace();
  session_->number = ++sessions_;
  last_ledger_incomplete_ = false;
  last_gap_.reset();
  open_.reset();
  next_event_ = 0;
}

void Totals::add_damage(const capture::Damage& damage) {
  damage_in_session_ = true;
  if (observer_.damage) observer_.damage(damage);
  DamageFinding finding{.damage = damage};
  if (session_ && session_->accepts != 0) finding.begin = session_->last_wall;
  if (damage.tail) {
    findings_.torn_tail = finding;
    return;
  }
  ++findings_.damages;
  findings_.damaged_bytes += damage.length;
  open_since_ = finding.begin;
  if (findings_.damage_list.size() < Findings::kMaxListed) {
    findings_.damage_list.push_back(finding);
    ++open_damages_;
  }
}

// What comes behind the damages seen last.
void Totals::close_damages(std::optional<std::int64_t> end, std::optional<std::uint64_t> missing) {
  for (std::size_t i = findings_.damage_list.size() - open_damages_; i < findings_.damage_list.size(); ++i) {
    findings_.damage_list[i].end = end;
    // Between several of them nothing was numbered.
    if (open_damages_ == 1) findings_.damage_list[i].missing = missing;
  }
  open_damages_ = 0;
  const auto begin = std::exchange(open_since_, std::nullopt);
  if (begin && end && missing != 0 && observer_.damaged_time) observer_.damaged_time(*begin, *end);
}

// By offset: how many batches were read ahead of this one depends on the number of threads.
void Totals::spoil(const Spoilt& spoilt) {
  ++findings_.damages;
  findings_.damaged_bytes += spoilt.damage.length;
  std::vector<DamageFinding>& list = findings_.damage_list;
  const auto place = std::upper_bound(list.begin(), list.end(), spoilt.damage.offset, [](std::uint64_t offset, const auto& other) {
    return offset < other.damage.offset;
  });
  list.insert(place, {.damage = spoilt.damage,
                      .begin = spoilt.clock.wall(spoilt.first_time),
                      .end = spoilt.clock.wall(spoilt.last_time),
                      .missing = spoilt.events});
  if (list.size() > Findings::kMaxListed) {
    list.pop_back();
    open_damages_ -= std::min<std::size_t>(open_damages_, 1);
  }
  if (observer_.damaged_time) {
    observer_.damaged_time(spoilt.clock.wall(spoilt.first_time), spoilt.clock.wall(spoilt.last_time));
  }
  if (observer_.spoilt) observer_.spoilt(spoilt);
}

void Totals::end_session(bool stopped) {
  if (!session_) return;
  close_open_account();
  open_damages_ = 0;
  open_since_.reset();
  SessionTotals& session = *session_;
  session.bytes = offset_ - session_begin_;
  session_begin_ = offset_;
  if (!session.start) ++findings_.without_start;
  if (!session.end && !stopped) {
    ++findings_.without_end;
    if (session.accepts != 0) findings_.shown_up_to = session.last_wall;
  }
  if (!session.end || !session.start) findings_.absent += session.skipped;
  if (session.end && session.start) {
    const std::uint64_t written = session.end->written;
    const capture::Ledger& sums = session.ledger;
    if (written > session.accepts) findings_.absent += written - session.accepts;
    if (written < session.accepts) findings_.surplus += session.accepts - written;
    const bool comparable = written == session.accepts && !damage_in_session_ && sums.hits != 0;
    if (comparable && sums.hits != sums.written + sums.filtered + sums.lost && findings_.unbalanced++ == 0) {
      findings_.unbalanced_ledger = sums;
    }
  }
  if (!stopped) find_unproved(session);
  accepts_ += session.accepts;
  batches_ += session.batches;
  if (observer_.session) observer_.session(session);
  session_.reset();
  damage_in_session_ = false;
}

void Totals::find_unproved(const SessionTotals& session) {
  const auto add = [&](const char* what) {
    std::string line = "session " + std::to_string(session.number) + ": " + what;
    if (findings_.unproved.size() < Findings::kMaxListed) findings_.unproved.push_back(std::move(line));
  };
  // What the end adds is of a part: of one of the captures that were merged.
  const capture::Unproved all = own_unproved(session);
  const capture::Unproved part = session.end ? session.end->unproved : capture::Unproved{};
  if (all.probe) add("its recorder did not prove that the probe works");
  else if (part.probe) add("the recorder of a part of it did not prove that the probe works");
  if (all.misses) add("its kernel could not count what the probe missed");
  else if (part.misses) add("the kernel of a part of it could not count what the probe missed");
  // An entry probe misses next to nothing; which kind a part had is not known.
  if (all.misses ? has_note(*session.start, "return probe") : part.misses) ++findings_.uncounted;
  if (all.losses) add("it has no account of losses");
  else if (part.losses) add("a part of it has no account of losses");
  if (all.switches) add("its recorder could not watch whether probes were switched off");
  else if (part.switches) add("the recorder of a part of it could not watch whether probes were switched off");
}

void Totals::add_gap(const Gap& gap, const capture::ClockAnchor& clock) {
  const Unseen unseen{clock.wall(gap.begin), clock.wall(gap.end), gap.cpu, gap.reason, gap.at_most};
  if (findings_.unseen == 0) {
    findings_.unseen_begin = unseen.begin;
    findings_.unseen_end = unseen.end;
  }
  findings_.unseen_begin = std::min(findings_.unseen_begin, unseen.begin);
  findings_.unseen_end = std::max(findings_.unseen_end, unseen.end);
  const bool any_number = findings_.unseen_at_most == kNotRecorded64 || gap.at_most == kNotRecorded64;
  findings_.unseen_at_most = any_number ? kNotRecorded64 : findings_.unseen_at_most + gap.at_most;
  // A recorder tells of a long one piece by piece.
  const bool continues =
      last_gap_ && last_gap_->end == gap.begin && last_gap_->cpu == gap.cpu && last_gap_->reason == gap.reason;
  last_gap_ = gap;
  if (!continues) ++findings_.unseen;
  if (continues && findings_.unseen == findings_.unseen_list.size()) {
    Unseen& last = findings_.unseen_list.back();
    last.end = unseen.end;
    const bool any = last.at_most == kNotRecorded64 || gap.at_most == kNotRecorded64;
    last.at_most = any ? kNotRecorded64 : last.at_most + gap.at_most;
  } else if (!continues && findings_.unseen_list.size() < Findings::kMaxListed) {
    findings_.unseen_list.push_back(unseen);
  }
}

// Numbers go back only where a batch comes in another form, or where the start of a new session is missing.
bool Totals::begins_unseen_session(const capture::BatchFrame& batch) const {
  const std::uint64_t first = batch.tables->first_event;
  if (first == kNotRecorded64 || first >= next_event_) return false;
  const bool form = first == last_first_event_ &&
                    (batch.events == 0 || last_events_ == 0 || batch.first_time == last_first_time_);
  return !form;
}

void Totals::add_batch(const capture::BatchFrame& batch) {
  SessionTotals& session = *session_;
  const capture::Batch& tables = *batch.tables;
  repeated_ = 0;
  const bool numbered = tables.first_event != kNotRecorded64;
  const std::uint64_t skipped_before = session.skipped;
  if (numbered) {
    if (tables.first_event < next_event_) {
      repeated_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(batch.events, next_event_ - tables.first_event));
    } else {
      session.skipped += tables.first_event - next_event_;
    }
    next_event_ = std::max(next_event_, tables.first_event + batch.events);
    last_first_event_ = tables.first_event;
    if (batch.events != 0 || repeated_ == 0) {
      last_first_time_ = batch.first_time;
      last_events_ = batch.events;
    }
  }
  if (batch.events > repeated_) {
    const std::int64_t first = tables.clock.wall(batch.first_time);
    const std::int64_t last = tables.clock.wall(batch.last_time);
    session.first_wall = session.accepts == 0 ? first : std::min(session.first_wall, first);
    session.last_wall = session.accepts == 0 ? last : std::max(session.last_wall, last);
    session.accepts += batch.events - repeated_;
  }

  const std::uint64_t skipped = session.skipped - skipped_before;
  if (batch.events != 0 && (open_damages_ != 0 || open_since_)) {
    close_damages(tables.clock.wall(batch.first_time), numbered ? std::optional{skipped} : std::nullopt);
  }
  if (observer_.batch) observer_.batch(batch, skipped);
  if (open_ && open_->first_event != tables.first_event) close_open_account();
  if (tables.open != 0) {
    // An older form, or one whose final form has been seen.
    if (open_ && open_->open > tables.open) return;
    if (session.ledgers != 0 && tables.ledger && tables.ledger->end <= last_ledger_end_) return;
    if (!open_ && batch.events != 0 && repeated_ == batch.events) return;
    open_ = {tables.first_event, tables.open, {tables.clock, tables.ledger, tables.cpu_losses, tables.gaps}};
    return;
  }
  // The final form of a batch can come twice if its recorder was killed just then.
  const bool again = numbered && !open_ && (batch.events != 0 ? repeated_ == batch.events
                                                  : tables.ledger && session.ledgers != 0 &&
                                                        tables.ledger->end == last_ledger_end_);
  open_.reset();
  if (!again) add_account({tables.clock, tables.ledger, tables.cpu_losses, tables.gaps});
}

void Totals::close_open_account() {
  if (!open_) return;
  const Account account = std::exchange(open_, std::nullopt)->account;
  add_account(account);
}

void Totals::add_account(const Account& account) {
  SessionTotals& session = *session_;
  ++session.batches;
  add_clock(account.clock);
  if (account.ledger) add_ledger(*account.ledger, account.clock);
  for (const capture::CpuLoss& loss : account.cpu_losses) session.lost_by_cpu[loss.cpu] += loss.lost;
  for (const Gap& gap : account.gaps) add_gap(gap, account.clock);
  if (observer_.account) observer_.account(account);
}

void Totals::add_events(const capture::Batch& batch) {
  if (!session_) return;
  per_listener_.assign(batch.listeners.size(), 0);
  for (std::size_t i = repeated_; i < batch.size(); ++i) ++per_listener_[batch.listener[i]];
  for (std::size_t i = 0; i < per_listener_.size(); ++i) {
    if (batch.listeners[i].saddr.is_v4()) session_->accepts_v4 += per_listener_[i];
  }
}

void Totals::add_ledger(const capture::Ledger& ledger, const capture::ClockAnchor& clock) {
  SessionTotals& session = *session_;
  ++session.ledgers;
  session.ledger.hits += ledger.hits;
  session.ledger.misses += ledger.misses;
  session.ledger.lost += ledger.lost;
  session.ledger.filtered += ledger.filtered;
  session.ledger.written += ledger.written;
  if (!ledger.complete()) {
    const Hole hole{clock.wall(ledger.begin), clock.wall(ledger.end), ledger.lost, ledger.misses};
    findings_.lost += hole.lost;
    findings_.misses += hole.misses;
    if (findings_.holes == 0) {
      findings_.hole_begin = hole.begin;
      findings_.hole_end = hole.end;
    }
    findings_.hole_begin = std::min(findings_.hole_begin, hole.begin);
    findings_.hole_end = std::max(findings_.hole_end, hole.end);
    // Slices that follow each other without a gap are one stretch.
    const bool continues = last_ledger_incomplete_ && ledger.begin == last_ledger_end_;
    if (!continues) ++findings_.holes;
    if (continues && findings_.holes == findings_.hole_list.size()) {
      Hole& last = findings_.hole_list.back();
      last.end = hole.end;
      last.lost += hole.lost;
      last.misses += hole.misses;
    } else if (!continues && findings_.hole_list.size() < Findings::kMaxListed) {
      findings_.hole_list.push_back(hole);
    }
  }
  last_ledger_incomplete_ = !ledger.complete();
  last_ledger_end_ = ledger.end;
}

void Totals::add_clock(const capture::ClockAnchor& clock) {
  SessionTotals& session = *session_;
  const std::int64_t offset = clock.wall(0);
  if (!session.first_clock) {
    session.first_clock = clock;
    session.wall_offset_min = session.wall_offset_max = offset;
  }
  session.wall_offset_min = std::min(session.wall_offset_min, offset);
  session.wall_offset_max = std::max(session.wall_offset_max, offset);
  session.suspended = (clock.boottime - clock.monotonic) -
                      (session.first_clock->boottime - session.first_clock->monotonic);
  session.last_clock = clock;
}

}  // namespace tcpaccept::report
