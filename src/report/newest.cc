#include "report/newest.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "capture/batch_builder.h"
#include "core/error.h"
#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

// Space in front of the first frame is used again when there is this much of it at least.
constexpr std::uint64_t kWorthMoving = std::uint64_t{1} << 20;
// So many gaps of batches that are gone are carried each for itself; older ones become one.
constexpr std::size_t kMaxGaps = 100;
// The same for stretches of time in which accepts were lost, at most; a small file has less room for them.
constexpr std::size_t kMaxHoles = 16;
constexpr std::uint64_t kRoomForHole = 8192;
// A ledger that changes can make a batch a little larger.
constexpr std::uint64_t kSlack = 64;

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Gap united(const Gap& a, const Gap& b) {
  const bool any = a.at_most == kNotRecorded64 || b.at_most == kNotRecorded64;
  return {.begin = std::min(a.begin, b.begin),
          .end = std::max(a.end, b.end),
          .cpu = a.cpu == b.cpu ? a.cpu : kNotRecorded16,
          .reason = a.reason == b.reason ? a.reason : GapReason::kOther,
          .at_most = any ? kNotRecorded64 : a.at_most + b.at_most};
}

// The last `count` accepts of a batch, with its account; those before them, and the `before` ones that its ledger
// counts as well, are filtered.
capture::Batch last_accepts(const capture::Batch& batch, std::uint64_t count, std::uint64_t before) {
  capture::BatchBuilder builder;
  for (std::size_t i = batch.size() - count; i < batch.size(); ++i) builder.add(batch.at(i));
  std::optional<capture::Ledger> ledger = batch.ledger;
  if (ledger) {
    const std::uint64_t out = std::min<std::uint64_t>(before + batch.size() - count, ledger->written);
    ledger->written -= out;
    ledger->filtered += out;
  }
  capture::Batch part = builder.finish(batch.clock, ledger);
  part.cpu_losses = batch.cpu_losses;
  part.gaps = batch.gaps;
  // Names of cgroups that are left out altogether would take room, and tell of them.
  std::set<std::uint64_t> cgroups;
  for (const Listener& listener : part.listeners) cgroups.insert(listener.cgroup);
  for (const capture::CgroupPath& cgroup : batch.cgroups) {
    if (cgroups.contains(cgroup.id)) part.cgroups.push_back(cgroup);
  }
  part.first_event = 0;
  return part;
}

}  // namespace

void NewestFrames::put(std::uint64_t offset, Bytes bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error("cannot write " + name_, errno);
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

Bytes NewestFrames::frame_at(std::uint64_t offset) {
  const auto read = [&](std::size_t length) {
    words_.resize((length + 7) / 8);
    auto* const to = reinterpret_cast<std::byte*>(words_.data());
    std::size_t have = 0;
    while (have < length) {
      const ssize_t got = ::pread(fd_, to + have, length - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw system_error("cannot read " + name_ + " again", errno);
      if (got == 0) throw Error("cannot read " + name_ + " again: somebody made it shorter");
      have += static_cast<std::size_t>(got);
    }
    return Bytes{to, length};
  };
  const auto length = capture::frame_length(read(capture::kHeadBytes));
  if (!length) throw Error("cannot read " + name_ + " again: somebody changed it");
  return read(*length);
}

// The batch that was decoded last.
void NewestFrames::read_batch(capture::Batch& to) {
  if (!decoder_.read(capture::kAllColumns, to)) throw Error("cannot read " + name_ + " again: " + decoder_.why());
}

// Like memmove(3), within the file.
void NewestFrames::move(std::uint64_t from, std::uint64_t to, std::uint64_t length) {
  std::vector<std::byte> some(std::size_t{256} << 10);
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t count = std::min<std::uint64_t>(some.size(), length - done);
    // Upwards, the last bytes first.
    const std::uint64_t at = to > from ? length - done - count : done;
    for (std::uint64_t have = 0; have < count;) {
      const ssize_t got = ::pread(fd_, some.data() + have, count - have, static_cast<off_t>(from + at + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw system_error("cannot read " + name_ + " again", errno);
      if (got == 0) throw Error("cannot read " + name_ + " again: somebody made it shorter");
      have += static_cast<std::uint64_t>(got);
    }
    put(to + at, Bytes(some).first(count));
    done += count;
  }
}

void NewestFrames::add(Bytes frame) {
  put(tail_, frame);
  tail_ += frame.size();
  while (head_ < tail_ && start_.size() + tail_ - head_ > most_) drop_first();
  if (head_ > std::max(most_, kWorthMoving)) {
    move(head_, 0, tail_ - head_);
    tail_ -= head_;
    head_ = 0;
  }
}

void NewestFrames::forget(const capture::Batch& batch) {
  gone_.clock = batch.clock;
  gone_.events += batch.size();
  unaccounted_ += batch.size();
  if (batch.ledger) {
    const capture::Ledger& from = *batch.ledger;
    if (!gone_.ledger) gone_.ledger = capture::Ledger{.begin = from.begin};
    capture::Ledger& to = *gone_.ledger;
    const std::uint64_t out = std::min(unaccounted_, from.written);
    unaccounted_ -= out;
    to.end = std::max(from.end, to.end);
    to.hits += from.hits - std::min(from.hits, from.lost);
    to.filtered += from.filtered + from.written;
    if (!from.complete()) add_hole(from);
  }
  for (const capture::CpuLoss& loss : batch.cpu_losses) gone_.cpu_losses[loss.cpu] += loss.lost;
  gone_.gaps.insert(gone_.gaps.end(), batch.gaps.begin(), batch.gaps.end());
  while (gone_.gaps.size() > kMaxGaps) {
    const std::size_t many = gone_.gaps.size() - kMaxGaps;
    for (std::size_t i = 0; i < many; ++i) gone_.gaps[many] = united(gone_.gaps[i], gone_.gaps[many]);
    gone_.gaps.erase(gone_.gaps.begin(), gone_.gaps.begin() + static_cast<std::ptrdiff_t>(many));
  }
}

void NewestFrames::add_hole(const capture::Ledger& from) {
  std::vector<capture::Ledger>& holes = gone_.holes;
  holes.push_back({.begin = from.begin, .end = from.end, .hits = from.lost, .misses = from.misses, .lost = from.lost});
  if (holes.size() <= std::clamp<std::uint64_t>(most_ / kRoomForHole, 1, kMaxHoles)) return;
  holes[1].begin = std::min(holes[0].begin, holes[1].begin);
  holes[1].hits += holes[0].hits;
  holes[1].misses += holes[0].misses;
  holes[1].lost += holes[0].lost;
  holes.erase(holes.begin());
}

void NewestFrames::drop_first() {
  const Bytes frame = frame_at(head_);
  head_ += frame.size();
  switch (decoder_.decode(frame)) {
    case capture::Decoder::Kind::kStart:
      start_ = text_of(frame);
      break;
    case capture::Decoder::Kind::kBatch: {
      if (last_) {
        forget(*last_);
        leave_out(*last_, last_->size());
      }
      last_.emplace();
      read_batch(*last_);
      break;
    }
    default:  // the end of a session
      ++sessions_;
      if (last_) leave_out(*last_, last_->size());
      start_.clear();
      last_.reset();
      gone_ = {};
      unaccounted_ = 0;
  }
}

// Its first accepts are left out.
void NewestFrames::leave_out(const capture::Batch& batch, std::size_t count) {
  if (count == 0) return;
  const std::int64_t first = batch.clock.wall(batch.time.front());
  const std::int64_t last = batch.clock.wall(batch.time[count - 1]);
  first_wall_ = left_out_ == 0 ? first : std::min(first_wall_, first);
  last_wall_ = left_out_ == 0 ? last : std::max(last_wall_, last);
  left_out_ += count;
}

// What stands for the batches that are gone, frame after frame, none of them a form of a batch that is there, the last
// one too if asked for; "" if they said nothing.
std::string NewestFrames::account_frames(bool with_last) {
  if (with_last && last_) {
    const Account before = gone_;
    const std::uint64_t unaccounted = unaccounted_;
    forget(*last_);
    std::string frame = account_frames(false);
    gone_ = before;
    unaccounted_ = unaccounted;
    return frame;
  }
  if (!gone_.says_something()) return "";
  capture::Batch batch;
  batch.clock = gone_.clock.value_or(capture::ClockAnchor{});
  batch.ledger = gone_.ledger;
  batch.gaps = gone_.gaps;
  for (const auto& [cpu, lost] : gone_.cpu_losses) batch.cpu_losses.push_back({cpu, lost});
  std::string frames = text_of(encoder_.encode(batch, packing_));
  for (const capture::Ledger& hole : gone_.holes) {
    capture::Batch one;
    one.clock = batch.clock;
    one.ledger = hole;
    frames += text_of(encoder_.encode(one, packing_));
  }
  return frames;
}

// A frame of as many of the newest accepts of the batch given up last as fit; "" if none does.
std::string NewestFrames::newest_part(std::uint64_t room) {
  std::string best;
  std::uint64_t fits = 0;
  for (std::uint64_t too_many = last_->size(); too_many - fits > 1;) {
    const std::uint64_t count = fits + (too_many - fits) / 2;
    const Bytes frame = encoder_.encode(last_accepts(*last_, count, unaccounted_), packing_);
    if (frame.size() > room) {
      too_many = count;
      continue;
    }
    fits = count;
    best = text_of(frame);
  }
  part_ = fits;
  return best;
}

// The kept frames to `to`, which is not behind the head. Of the session that is cut, events, batches and ledgers are
// counted anew.
void NewestFrames::rewrite(std::uint64_t to) {
  const std::uint64_t events_gone = gone_.events + (last_ ? last_->size() - part_ : 0);
  std::uint64_t kept = 0;
  bool cut_session = true;
  while (head_ < tail_) {
    const Bytes frame = frame_at(head_);
    const std::uint64_t length = frame.size();
    Bytes written = frame;
    capture::Batch batch;
    switch (decoder_.decode(frame)) {
      case capture::Decoder::Kind::kBatch:
        kept_ += decoder_.batch().events;
        if (!cut_session) break;
        read_batch(batch);
        ++kept;
        if (batch.first_event != kNotRecorded64) batch.first_event -= std::min(batch.first_event, events_gone);
        if (batch.ledger && unaccounted_ != 0) {
          const std::uint64_t out = std::min(unaccounted_, batch.ledger->written);
          batch.ledger->written -= out;
          batch.ledger->filtered += out;
          unaccounted_ -= out;
        }
        written = encoder_.encode(batch, packing_);
        break;
      case capture::Decoder::Kind::kEnd: {
        if (!cut_session) break;
        capture::End end = decoder_.end();
        end.written -= std::min(end.written, events_gone);
        end.batches = kept + (part_ != 0 ? 1 : 0) + gone_.frames();
        written = encoder_.encode(end);
        cut_session = false;
        break;
      }
      default:
        break;
    }
    head_ += length;
    if (to + written.size() > head_) throw Error("cannot write " + name_ + ": a batch grew when it was counted anew");
    put(to, written);
    to += written.size();
  }
  tail_ = to;
}

void NewestFrames::finish() {
  if (last_ || !start_.empty() || sessions_ != 0) {
    // What is gone needs an account, which needs room.
    const auto needed = [&] { return start_.size() + account_frames(true).size() + (tail_ - head_) + kSlack; };
    while (head_ < tail_ && needed() > most_) drop_first();
    std::string front = start_ + account_frames(false);
    if (last_) {
      const std::string part = newest_part(most_ - std::min(most_, front.size() + (tail_ - head_) + kSlack));
      if (part_ == 0) {
        forget(*last_);
        leave_out(*last_, last_->size());
        last_.reset();
        front = start_ + account_frames(false);
      } else {
        front += part;
        leave_out(*last_, last_->size() - part_);
        unaccounted_ = last_->ledger ? 0 : unaccounted_ + last_->size() - part_;
      }
    }
    // Reading stays ahead of writing.
    const std::uint64_t room = front.size() + kSlack;
    if (head_ < room) {
      move(head_, room, tail_ - head_);
      tail_ += room - head_;
      head_ = room;
    }
    put(0, bytes_of(front));
    kept_ = part_;
    rewrite(front.size());
    if (tail_ == 0 || (kept_ == 0 && left_out_ != 0)) {
      throw Error("--max-bytes: " + std::to_string(most_) + " bytes are too few for any accept of " + name_ +
                      "; give it more",
                  Exit::kUsage);
    }
  }
  if (::ftruncate(fd_, static_cast<off_t>(tail_)) != 0) throw system_error("cannot write " + name_, errno);
}

std::string NewestFrames::left_out() const {
  if (left_out_ == 0 && sessions_ == 0) return "";
  std::string text = "left out the first " + std::to_string(left_out_) + (left_out_ == 1 ? " accept" : " accepts");
  if (left_out_ != 0) text += ", between " + text::wall_text(first_wall_) + " and " + text::wall_text(last_wall_);
  if (sessions_ != 0) {
    text += ", and with them " + std::to_string(sessions_) + (sessions_ == 1 ? " whole session" : " whole sessions");
  }
  return text + ": only what came last fits into " + std::to_string(most_) + " bytes (--max-bytes)";
}

}  // namespace tcpaccept::report
