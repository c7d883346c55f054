// Several inputs as one sequence of rows in time order.
//
// Each input holds one batch, so memory does not grow with the files. Rows leave as runs: as many rows of one batch
// as come before the next row of every other input. A single input is passed through batch by batch, untouched.
//
// Captures of one boot are ordered by CLOCK_MONOTONIC, which nobody can set. As soon as a second boot is seen (other
// hosts, other days) only wall time is common to all, through the clock anchor of each batch; how well that orders
// hosts is up to their clocks. Rows of equal time keep the order of the inputs; within an input the order of the
// file is never changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/model.h"
#include "text/row_writer.h"

namespace tcpaccept::report {

// One input, as the merge sees it.
class Feed {
 public:
  Feed() = default;
  virtual ~Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // Moves to the next batch of which rows are wanted; false at the end. May block.
  virtual bool advance() = 0;
  // The current batch and the wanted rows of it (never empty); valid until the next advance().
  virtual const capture::Batch& batch() const = 0;
  virtual text::Selection rows() const = 0;
};

// An instant on both clocks of the batch it was taken from.
struct Instant {
  std::uint64_t monotonic = 0;
  std::int64_t wall = 0;
};

// The clock that is common to all sessions seen so far.
class Timeline {
 public:
  // Every session of every input is told once; "" = its boot is not known.
  void note_session(const std::string& boot_id);
  bool by_wall() const { return by_wall_; }

  // Orders rows of different batches.
  std::uint64_t key(const capture::Batch& batch, std::uint32_t row) const;
  // `instant` on the CLOCK_MONOTONIC of a batch with that clock, through the common clock.
  capture::WideTime on_batch(const Instant& instant, const capture::ClockAnchor& clock) const;
  static Instant instant(const capture::Batch& batch, std::uint32_t row);

 private:
  bool any_ = false;
  bool by_wall_ = false;
  std::string boot_id_;
};

// Rows to show next.
struct Run {
  std::size_t feed = 0;
  const capture::Batch* batch = nullptr;
  text::Selection rows;
  bool begins_batch = false;  // the first run of this batch
  bool ends_batch = false;    // the last one
};

class Merge {
 public:
  // Borrows both; they must outlive the merge. Nothing is read before the first next().
  Merge(std::vector<Feed*> feeds, const Timeline& timeline);

  // The next run, valid until the following call; false at the end of all inputs.
  bool next(Run& run);

 private:
  struct Head {
    std::uint64_t key;
    std::size_t feed;
    bool operator>(const Head& other) const { return key != other.key ? key > other.key : feed > other.feed; }
  };

  void enter(std::size_t feed);
  Head head_of(std::size_t feed) const;
  std::size_t end_of_run(std::size_t feed) const;

  std::vector<Feed*> feeds_;
  const Timeline& timeline_;
  std::vector<std::size_t> next_row_;  // for each feed: position in its rows()
  std::vector<Head> heads_;            // a heap of the feeds that are not running, earliest on top
  bool heads_by_wall_ = false;
  bool started_ = false;
  std::size_t running_ = 0;  // feed of the last run
  bool any_running_ = false;
};

}  // namespace tcpaccept::report
