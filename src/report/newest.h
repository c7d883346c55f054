// A capture of bounded size: the last frames that fit, in a file that is written from its front. They are the newest,
// unless the sessions of a file are not in order of time.
//
// Whatever is written goes into the file; when that is too large, the first frames are given up, one by one, and
// their space is used again from time to time, so that the file is never much larger than twice what is asked for. At
// the end the session that was cut gets its start back, and instead of the batches that are gone some without accepts: one
// whose ledger counts what they held as filtered, and one for each time in which accepts were lost. Of the last batch given up, as
// many accepts stay as there is room for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capture/codec.h"
#include "capture/model.h"

namespace tcpaccept::report {

class NewestFrames {
 public:
  // `fd` is borrowed: an empty file, open for reading and writing; `name` is for messages.
  NewestFrames(int fd, std::uint64_t most, capture::Packing packing, std::string name)
      : fd_(fd), most_(most), packing_(packing), name_(std::move(name)) {}

  // A whole frame, of a capture without open batches. Throws Error.
  void add(Bytes frame);
  // After the last one. Throws Error: there are accepts, and not one of them fits.
  void finish();
  // What is not in the file, for a message; "" = everything is.
  std::string left_out() const;

 private:
  // Of the session that is cut: what was in the batches that are gone.
  struct Account {
    std::optional<capture::Ledger> ledger;  // sums, without what was lost
    std::vector<capture::Ledger> holes;     // what was, and when; bounded
    std::map<std::uint16_t, std::uint64_t> cpu_losses;
    std::vector<Gap> gaps;
    std::optional<capture::ClockAnchor> clock;
    std::uint64_t events = 0;
    bool says_something() const { return ledger || !gaps.empty() || !cpu_losses.empty(); }
    std::uint64_t frames() const { return (says_something() ? 1 : 0) + holes.size(); }
  };

  Bytes frame_at(std::uint64_t offset);
  void read_batch(capture::Batch& to);
  void drop_first();
  void leave_out(const capture::Batch& batch, std::size_t count);
  void forget(const capture::Batch& batch);
  void add_hole(const capture::Ledger& from);
  std::string account_frames(bool with_last);
  std::string newest_part(std::uint64_t room);
  void rewrite(std::uint64_t to);
  void put(std::uint64_t offset, Bytes bytes) const;
  void move(std::uint64_t from, std::uint64_t to, std::uint64_t length);

  int fd_;
  std::uint64_t most_;
  capture::Packing packing_;
  std::string name_;
  std::uint64_t head_ = 0;  // of the first frame that is kept
  std::uint64_t tail_ = 0;  // behind the last
  std::vector<std::uint64_t> words_;  // of frame_at(): Cap'n Proto wants them aligned
  std::string start_;                 // of the session the head is in, if it is before the head
  std::optional<capture::Batch> last_;  // given up last, in the same session; not in gone_
  Account gone_;
  std::uint64_t part_ = 0;       // accepts of last_ that stay after all
  std::uint64_t unaccounted_ = 0;  // accepts that are gone and that a ledger still to come counts as written

  std::uint64_t left_out_ = 0;   // accepts, those of last_ not among them
  std::int64_t first_wall_ = 0;  // of the earliest and the latest of them
  std::int64_t last_wall_ = 0;
  std::uint64_t kept_ = 0;       // accepts that are in the file, in the end
  std::uint64_t sessions_ = 0;  // that are gone altogether
  capture::Encoder encoder_;
  capture::Decoder decoder_;
};

}  // namespace tcpaccept::report
