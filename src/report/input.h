// One input of the report: opens it, reads its items, keeps its account, hands wanted rows to the merge.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/reader.h"
#include "core/unique_fd.h"
#include "report/filter.h"
#include "report/follow.h"
#include "report/merge.h"
#include "report/totals.h"

namespace tcpaccept::report {

// Where items come from: a file, a pipe, a file that grows, or a test.
class ItemSource {
 public:
  ItemSource() = default;
  virtual ~ItemSource() = default;
  ItemSource(const ItemSource&) = delete;
  ItemSource& operator=(const ItemSource&) = delete;

  // As capture::Reader.
  virtual capture::Reader::Item next() = 0;
  virtual std::uint64_t offset() const = 0;
  virtual bool nothing_intact() const = 0;

  // More may arrive while we read: rows must not wait in a buffer.
  virtual bool live() const { return false; }
  // The user ended the reading; what was read last may be cut short for that reason alone.
  virtual bool interrupted() const { return false; }
};

// Opens `name` ("-" = the descriptor `standard_input`, borrowed). `follow`: wait at its end for more, which needs
// a regular file. Throws Error: missing, a directory, not permitted, ...
std::unique_ptr<ItemSource> open_source(const std::string& name, int standard_input, bool follow);

// How an input is called in messages.
std::string display_name(const std::string& name);

class Input final : public Feed {
 public:
  // `timeline` is borrowed and shared by all inputs; `on_session` as in Totals.
  Input(const std::string& name, std::unique_ptr<ItemSource> source, FilterSpec filter, Timeline& timeline,
        std::function<void(const SessionTotals&)> on_session = nullptr);

  // Reads up to the first item that proves this to be a capture. Throws Error if it is none, or empty.
  void open();
  // Reads up to the first accept; false if there is none. Nothing is lost: advance() begins with it.
  bool find_first_accept(Instant& first);
  // What relative time bounds count from. Call before advance() if the filter has some.
  void set_first_accept(const Instant& first) { first_accept_ = first; }

  bool advance() override;
  const capture::Batch& batch() const override { return *batch_; }
  Selection rows() const override { return rows_; }

  // Reads everything that is left, for its account only.
  void drain();

  bool live() const { return source_->live(); }
  const Totals& totals() const { return totals_; }
  const std::string& name() const { return name_; }

 private:
  capture::Reader::Item next_item();
  // The next batch that holds accepts, or nullptr at the end.
  const capture::Batch* next_batch();

  std::string name_;
  std::unique_ptr<ItemSource> source_;
  Filter filter_;
  Timeline& timeline_;
  Totals totals_;
  std::optional<capture::Reader::Item> seen_;      // taken by open(), not yet used
  const capture::Batch* found_ = nullptr;          // by find_first_accept(), not yet used
  const capture::Batch* batch_ = nullptr;
  Instant first_accept_;
  std::vector<std::uint32_t> rows_;
  bool in_session_ = false;  // the timeline knows the session
};

}  // namespace tcpaccept::report
