// The pieces of rows that repeat within a batch, formatted on first use and copied afterwards.
//
// Nothing is cleared between batches: a generation number in every slot says whether its text belongs to the
// current one, so a batch of which three rows are wanted costs three rows.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/model.h"
#include "core/ip_address.h"
#include "text/digits.h"
#include "text/wall_time.h"

namespace tcpaccept::text {

// One short text per entry of a batch's peer table: the address with whatever surrounds it in a row.
class PeerTexts {
 public:
  static constexpr std::size_t kMaxText = 43;

  void begin(const capture::Batch& batch) {
    if (++generation_ == 0) {  // wrapped: old marks would look current
      slots_.clear();
      generation_ = 1;
    }
    if (slots_.size() < batch.peers.size()) slots_.resize(batch.peers.size());
    peers_ = batch.peers;
    made_ = 0;
  }

  // Copies the text of peer `index` to `to`. `format(address, to)` writes at most kMaxText bytes and returns one
  // past them; it is called once per peer and batch.
  template <typename FormatPeer>
  char* put(char* to, std::size_t index, const FormatPeer& format) {
    const Slot& slot = slots_[index];
    if (slot.generation != generation_) [[unlikely]] {
      make(index, format);
      // Whoever asks for many will ask for the rest: made in one go, the branch above is never mispredicted again.
      if (++made_ * 16 > peers_.size()) {
        for (std::size_t i = 0; i < peers_.size(); ++i) {
          if (slots_[i].generation != generation_) make(i, format);
        }
      }
    }
    // The whole slot: its length and mark behind the text do no harm, and there is no branch on the length.
    std::memcpy(to, &slot, sizeof slot);
    return to + slot.length;
  }

 private:
  struct Slot {
    std::array<char, kMaxText> text{};
    std::uint8_t length = 0;
    std::uint32_t generation = 0;
  };

  template <typename FormatPeer>
  void make(std::size_t index, const FormatPeer& format) {
    std::array<char, kMaxText + kScribble> text;
    Slot& slot = slots_[index];
    slot.length = static_cast<std::uint8_t>(format(peers_[index], text.data()) - text.data());
    std::memcpy(slot.text.data(), text.data(), kMaxText);
    slot.generation = generation_;
  }

  std::vector<Slot> slots_;
  std::span<const IpAddress> peers_;
  std::size_t made_ = 0;  // in this batch
  std::uint32_t generation_ = 0;
};

// Up to two texts per entry of a batch's listener table, with kScribble bytes readable after each.
class ListenerTexts {
 public:
  // Longest output of a format function, both texts together, but for what begin() is told of.
  static constexpr std::size_t kMaxText = 768;
  // A hostile table of 65,535 listeners must not pile up: past this the texts are thrown away and made again.
  static constexpr std::size_t kMaxHeld = std::size_t{1} << 20;

  struct Ends {
    char* first = nullptr;   // one past the first text, where the second begins
    char* second = nullptr;  // one past the second
  };
  struct Texts {
    const char* first = nullptr;
    std::size_t first_length = 0;
    const char* second = nullptr;
    std::size_t second_length = 0;
  };

  // `more`: bytes by which a listener's texts may exceed kMaxText in this batch, at most 48 KiB.
  void begin(const capture::Batch& batch, std::size_t more = 0) {
    forget();
    max_text_ = kMaxText + more;
    if (entries_.size() < batch.listeners.size()) entries_.resize(batch.listeners.size());
    listeners_ = batch.listeners.data();
  }

  // `format(listener, to)` returns Ends. The result is valid until the next call.
  template <typename FormatListener>
  Texts get(std::size_t index, const FormatListener& format) {
    Entry& entry = entries_[index];
    if (entry.generation != generation_) [[unlikely]] {
      if (used_ > kMaxHeld) forget();
      if (texts_.size() < used_ + max_text_ + 2 * kScribble) texts_.resize(2 * (used_ + max_text_ + 2 * kScribble));
      char* to = texts_.data() + used_;
      const Ends ends = format(listeners_[index], to);
      entry = {.offset = static_cast<std::uint32_t>(used_),
               .first = static_cast<std::uint16_t>(ends.first - to),
               .second = static_cast<std::uint16_t>(ends.second - ends.first),
               .generation = generation_};
      used_ += static_cast<std::size_t>(ends.second - to);
    }
    const char* first = texts_.data() + entry.offset;
    return {first, entry.first, first + entry.first, entry.second};
  }

 private:
  struct Entry {
    std::uint32_t offset = 0;
    std::uint16_t first = 0;
    std::uint16_t second = 0;
    std::uint32_t generation = 0;
  };

  void forget() {
    used_ = 0;
    if (++generation_ == 0) {
      entries_.assign(entries_.size(), Entry{});
      generation_ = 1;
    }
  }

  std::vector<Entry> entries_;
  std::vector<char> texts_;
  std::size_t used_ = 0;
  std::size_t max_text_ = kMaxText;
  const Listener* listeners_ = nullptr;
  std::uint32_t generation_ = 0;
};

// The text of the second an instant lies in, remembered: accepts come in time order, so it seldom changes.
class SecondText {
 public:
  static constexpr std::size_t kMaxText = 32;

  // Nanoseconds of `instant` within its second. If the second is a new one, `format(instant, to)` writes its text
  // (at most kMaxText bytes), sets begin to the first nanosecond of the second and returns one past the text.
  template <typename FormatSecond>
  std::uint32_t within(std::uint64_t instant, const FormatSecond& format) {
    if (instant - begin_ >= length_) [[unlikely]] {
      size_ = static_cast<std::size_t>(format(instant, text_.data(), begin_) - text_.data());
      // The first and the last second there is, of hostile times, are not remembered: others would wrap into them.
      length_ = (begin_ ^ (begin_ + kNanosPerSecond - 1)) >> 63 != 0 ? 0 : kNanosPerSecond;
    }
    return static_cast<std::uint32_t>(instant - begin_);
  }
  char* put(char* to) const {
    std::memcpy(to, text_.data(), kMaxText);
    return to + size_;
  }
  bool empty() const { return size_ == 0; }

 private:
  std::uint64_t begin_ = 0;
  std::uint64_t length_ = 0;  // 0: it is not remembered
  std::size_t size_ = 0;
  std::array<char, kMaxText + kScribble> text_{};
};

// For SecondText over wall time held as two's complement: "2026-11-23T08:10:50.".
inline char* put_wall_second(std::uint64_t instant, char* to, std::uint64_t& begin) {
  const std::int64_t second = floor_seconds(static_cast<std::int64_t>(instant));
  begin = static_cast<std::uint64_t>(second) * kNanosPerSecond;
  to = put_date_time(to, second);
  *to++ = '.';
  return to;
}

// What to add (wrapping) to a batch's CLOCK_MONOTONIC to get its wall time.
inline std::uint64_t wall_shift(const capture::ClockAnchor& clock) {
  return static_cast<std::uint64_t>(clock.realtime) - clock.monotonic;
}

}  // namespace tcpaccept::text
