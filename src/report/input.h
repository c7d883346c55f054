// One input of the report: opens it, reads its items, keeps its account, hands wanted rows to the merge.
//
// Batches are read in order by whoever calls; those that may hold wanted rows are decoded and filtered by the workers, a
// few ahead of the one that is being shown. Batches that cannot are passed over unread.
//
// With many inputs a whole decoded batch of each would be too much. A frugal input keeps the packed batch and decodes it
// anew for each few thousand rows.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/reader.h"
#include "core/unique_fd.h"
#include "report/anonymizing.h"
#include "report/filter.h"
#include "report/follow.h"
#include "report/merge.h"
#include "report/totals.h"
#include "report/workers.h"

namespace tcpaccept::report {

// Where items come from: a file, a pipe, a file that grows, or a test. next(), read_peers(), frame() and read() are as in
// capture::FrameReader.
class ItemSource {
 public:
  ItemSource() = default;
  virtual ~ItemSource() = default;
  ItemSource(const ItemSource&) = delete;
  ItemSource& operator=(const ItemSource&) = delete;

  virtual capture::FrameReader::Item next() = 0;
  virtual capture::FrameReader& reader() = 0;
  // Of the input, after what next() returned last.
  virtual std::uint64_t offset() const = 0;

  // Bytes there are to read; 0 = not known.
  virtual std::uint64_t size() const { return 0; }
  // More may arrive while we read: rows must not wait in a buffer.
  virtual bool live() const { return false; }
  // The user ended the reading, and next() for that reason.
  virtual bool interrupted() const { return false; }
};

// A file to be read, nothing of it read yet.
struct OpenFile {
  UniqueFd own;        // empty for standard input, which is borrowed
  int fd = -1;
  std::string name;    // for messages
  bool live = false;   // no regular file
  std::uint64_t size = 0;  // bytes; 0 = not known
};

// Opens `name` ("-" = the descriptor `standard_input`, borrowed). `follow`: its end will be waited at for more, which
// needs a regular file. Throws Error: missing, a directory, not permitted, ...
OpenFile open_file(const std::string& name, int standard_input, bool follow);

// `head`: bytes of it that somebody has read already.
std::unique_ptr<ItemSource> source_of(OpenFile file, bool follow, std::string head = {});
// Of a CSV (csv_capture.h).
std::unique_ptr<ItemSource> csv_source_of(OpenFile file);

// How an input is called in messages.
std::string display_name(const std::string& name);

class Input final : public Feed {
 public:
  // `timeline` and `workers` are borrowed and shared by all inputs; `observer` as in Totals.
  Input(const std::string& name, std::unique_ptr<ItemSource> source, FilterSpec filter, Timeline& timeline,
        Workers& workers, Observer observer = {});
  ~Input() override;

  // Before open(). Rows are pseudonyms; `how` is borrowed. What the observer is told is not this one's affair.
  void anonymize(const Anonymizing& how) { anonymizing_ = &how; }
  // Before open().
  void be_frugal() {
    frugal_ = true;
    source_->reader().be_frugal();
  }
  // Columns that are needed beyond those of the filter and of the merge.
  void want(capture::Columns columns) { columns_ |= columns; }
  // Reads up to the first item that proves this to be a capture; if that is a start, the observer has it. Throws Error:
  // it is none, or empty.
  void open();
  // Reads up to the first accept; false if there is none. Nothing is lost: advance() begins with it.
  bool find_first_accept(Instant& first);
  // What relative time bounds count from. Call before advance() if the filter has some.
  void set_first_accept(const Instant& first) { first_accept_ = first; }

  bool advance() override;
  const capture::Batch& batch() const override;
  text::Selection rows() const override;
  // Keeps the current batch and its rows alive; nullptr if that cannot be.
  std::shared_ptr<const void> hold() const;

  // Reads everything that is left, for its account, and proves all of it. `each` sees every batch; its events before
  // number `from` were in an earlier form of it.
  void drain(const std::function<void(const capture::Batch&, std::uint32_t from)>& each);

  bool live() const { return source_->live(); }
  std::uint64_t size() const { return source_->size(); }
  const Totals& totals() const { return totals_; }
  const std::string& name() const { return name_; }
  // Bytes of the input read so far.
  std::uint64_t offset() const { return source_->offset(); }

 private:
  struct Work;  // a batch on its way through the workers

  capture::FrameReader::Item take_item();
  void begin_session(const std::string& boot_id);
  // The next batch, or nullptr at the end. All but batches are accounted for on the way.
  const capture::BatchFrame* next_batch();
  bool advance_frugally();
  bool may_match(const capture::BatchFrame& batch, capture::WideTime first_accept);
  void read_ahead();
  Bytes account(const capture::BatchFrame& batch, Work& work);
  void add_work(const capture::BatchFrame& batch);
  std::shared_ptr<Work> make_work();

  std::string name_;
  std::unique_ptr<ItemSource> source_;
  Filter filter_;
  capture::Columns columns_;
  Timeline& timeline_;
  Workers& workers_;
  Totals totals_;
  std::optional<capture::FrameReader::Item> seen_;  // taken, not yet accounted for
  Instant first_accept_;
  bool in_session_ = false;  // the timeline knows the session
  const Anonymizing* anonymizing_ = nullptr;
  anonymize::TimeShift shift_;  // of the session

  std::deque<std::shared_ptr<Work>> ahead_;
  std::size_t ahead_bytes_ = 0;  // roughly what they may take
  std::vector<std::shared_ptr<Work>> spare_;
  std::shared_ptr<Work> current_;
  bool at_end_ = false;
  bool frugal_ = false;
  std::size_t next_row_ = 0;   // of the frugal input's batch: among its wanted rows
  std::size_t all_rows_ = 0;   // their number
  std::exception_ptr failure_;  // of reading on
};

}  // namespace tcpaccept::report
