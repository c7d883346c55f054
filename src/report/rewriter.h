// Rows and accounts of captures into a new capture: filtered, merged, cut, recovered, or only made compact.
//
// Nothing that is missing in the original goes missing silently: losses and gaps are carried over, damage becomes a gap,
// and accepts that are left out on request are counted as filtered, so that the account still balances. One input
// keeps its sessions. Several are merged into one session, in order of time; when they are of several boots that is
// wall time, which then is the new capture's monotonic time as well. It begins with the start of the one that began
// first, whatever their order. It is proved to be complete only if all of them are: what is not proved of a part is in
// its end. An accept whose recorder kept no account is a hit that was written; that none was lost is not proved then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/batch_builder.h"
#include "capture/codec.h"
#include "report/sink.h"

namespace tcpaccept::report {

class Rewriter final : public Sink {
 public:
  // Where frames go, one after the other.
  using PutFrame = std::function<void(Bytes frame)>;

  // `exact`: rows keep order, clock and path to the last bit, whatever it costs in batches; else those that differ by
  // what a recorder cannot help are brought together. Borrows the timeline.
  Rewriter(PutFrame put, capture::Packing packing, bool merge, const Timeline& timeline, bool exact = false)
      : put_frame_(std::move(put)), packing_(packing), merge_(merge), exact_(exact), timeline_(timeline) {}

  capture::Columns columns() const override { return capture::kAllColumns; }
  // All that an input tells has to come before the rows that follow it.
  Observer observer(std::size_t input) override;
  void begin() override;
  // Throws Error if the inputs turn out not to fit together.
  void append(const Run& run, const std::shared_ptr<const void>& hold) override;
  // Throws Error if there was nothing to write.
  void finish(const Inputs& inputs) override;

 private:
  struct Source {
    bool damaged = false;        // something is missing right here
    bool numbered = true;         // so that what is missing between batches has been seen
    std::uint64_t last_time = 0;  // of the last accept or account
  };

  void start(const capture::Start& start);
  void over(Source& source, const SessionTotals& session);
  void see(Source& source, const capture::BatchFrame& batch, std::uint64_t skipped);
  void add(Source& source, const Account& account);
  void add_gap(const Source& source, GapReason reason, std::uint64_t end, std::uint64_t at_most,
               const capture::ClockAnchor& clock);
  void add_hole(const Account& account, const capture::Ledger& ledger);
  void end(const std::string& reason, const capture::ClockAnchor& clock);
  void put(Bytes frame);
  void flush(bool last);
  bool fits(const capture::ClockAnchor& clock, const Accept& accept, std::string_view path) const;

  std::uint64_t on_output(std::uint64_t time, const capture::ClockAnchor& clock) const;
  capture::ClockAnchor on_output(const capture::ClockAnchor& clock) const;

  PutFrame put_frame_;
  capture::Packing packing_;
  bool merge_;
  bool exact_;
  const Timeline& timeline_;
  std::map<std::size_t, Source> sources_;
  capture::Encoder encoder_;
  capture::BatchBuilder builder_;
  std::optional<capture::ClockAnchor> clock_;  // of the batch under way
  std::uint64_t last_time_ = 0;                  // of its accept added last
  std::map<std::uint64_t, std::string> cgroups_;
  bool any_frame_ = false;
  // Of a merge.
  bool begun_ = false;
  bool by_wall_ = false;
  std::optional<capture::Start> first_;  // the earliest, by CLOCK_MONOTONIC
  std::optional<capture::Start> first_by_wall_;
  std::optional<std::uint64_t> begin_;  // on the output's clock
  std::optional<capture::ClockAnchor> last_end_;

  // Of the session under way.
  std::uint64_t written_ = 0;
  std::uint64_t batches_ = 0;
  bool any_ledger_ = false;
  capture::Ledger sum_;        // of all accounts so far
  capture::Ledger told_;       // of all ledgers written
  std::uint64_t told_until_ = 0;
  std::uint64_t until_ = 0;    // end of the last account
  std::map<std::uint16_t, std::uint64_t> cpu_losses_;
  std::vector<Gap> gaps_;
  capture::Unproved unproved_;
  std::optional<capture::ClockAnchor> last_clock_;
};

}  // namespace tcpaccept::report
