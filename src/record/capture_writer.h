// Batches into a capture file, and what to do when its disk is full: hold them in memory until there is room again, within
// bounds; what does not fit there is counted as lost in the ledger of the next batch that does.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "capture/codec.h"
#include "capture/model.h"
#include "record/output_file.h"

namespace tcpaccept::record {

class CaptureWriter {
 public:
  // Encoded batches that wait for room, in bytes: some millions of accepts.
  static constexpr std::size_t kMaxHeld = std::size_t{32} << 20;

  // Borrows `output`. All calls throw Error where the output fails for another reason than a full disk.
  CaptureWriter(OutputFile& output, capture::Packing packing, std::size_t max_held = kMaxHeld)
      : output_(output), packing_(packing), max_held_(max_held) {}

  // These two throw Error on a full disk as well. end() tries once more to write what is held.
  void start(const capture::Start& start);
  void end(capture::End end);
  void batch(const capture::Batch& batch);

  // The disk is full: batches wait in memory, or are dropped.
  bool full() const { return full_; }
  // Accepts that could not be held.
  std::uint64_t dropped() const { return dropped_; }
  // Accepts that are held and not written.
  std::uint64_t held() const;

 private:
  struct Held {
    std::vector<std::byte> frame;
    std::uint64_t accepts;
  };

  bool write_held();
  capture::Batch adjusted(const capture::Batch& batch) const;
  void drop(const capture::Batch& batch);

  OutputFile& output_;
  capture::Packing packing_;
  std::size_t max_held_;
  capture::Encoder encoder_;
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
  bool full_ = false;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_batches_ = 0;
  // Of batches that were dropped, to be told by the next one: accepts, and their ledgers.
  std::uint64_t untold_ = 0;
  std::optional<capture::Ledger> untold_ledger_;
};

}  // namespace tcpaccept::record
