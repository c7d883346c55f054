// --summary: a row for each listener, that is for each local address, port, protocol and network namespace.
//
// The process is not part of it: workers that share a socket, and threads with names of their own, are one listener.
// Its most frequent name is shown, with the number of names and of processes.
//
// Remote addresses: the first 65,536 of the input get a number, and each listener has a bit for each of them, so that
// counting one more accept is setting a bit. Those beyond are estimated (distinct.h). Listeners after the first 1,024
// share one row.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "summary/distinct.h"
#include "summary/histogram.h"
#include "summary/key_index.h"
#include "summary/summary.h"

namespace tcpaccept::summary {

class ByListener final : public Summary {
 public:
  static constexpr std::uint32_t kExactAddresses = 65536;
  static constexpr std::uint32_t kListeners = 1024;
  // Of each listener.
  static constexpr std::uint32_t kExactProcesses = 128;
  static constexpr std::uint32_t kExactNames = 16;

  // Limits of a test's choice.
  explicit ByListener(std::uint32_t exact_addresses = kExactAddresses, std::uint32_t listeners = kListeners)
      : addresses_(exact_addresses), listeners_(listeners) {}

  capture::Columns columns() const override;
  void add(const capture::Batch& batch, text::Selection rows) override;
  void write(text::Format format, const Holes& holes, const Emit& emit) override;

 private:
  struct Name {
    Comm comm;
    std::uint64_t accepts = 0;
  };
  struct Figures {
    std::uint64_t accepts = 0;
    std::int64_t first = std::numeric_limits<std::int64_t>::max();  // wall time
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    std::uint32_t peak = 0;       // connections ahead plus one; 0 = not recorded
    std::uint32_t backlog = 0;    // the largest limit plus one; 0 = not recorded
    std::uint64_t longest = 0;    // wait, microseconds plus one; 0 = not recorded
    std::uint32_t pid = 0;        // one of them
    std::array<Name, 4> names{};  // the most frequent, most of the time
    Distinct processes{kExactProcesses};
    Distinct commands{kExactNames};
    Histogram waits;
    std::vector<std::uint64_t> addresses;  // a bit for each number
    Estimate more_addresses;

    void add_name(const Comm& comm, std::uint64_t times);
    void add(const Figures& other);
    const Comm& name() const;
    std::uint64_t remotes() const;
  };
  // Of a listener of the batch at hand, in which a process counts as well.
  struct Local {
    std::uint32_t accepts = 0;
    std::uint32_t number = KeyIndex::kNone;
    std::uint32_t peak = 0;
    std::uint32_t last_row = 0;
    std::uint64_t longest = 0;
    std::uint64_t* addresses = nullptr;
    std::uint64_t* waits = nullptr;
    Estimate* more_addresses = nullptr;
  };

  template <bool kAll>
  void count(const capture::Batch& batch, text::Selection rows);
  // False: some have no number.
  bool number_addresses(const capture::Batch& batch);
  void find_figures(const capture::Batch& batch);
  Figures& figures_of(const Local& local) { return local.number == KeyIndex::kNone ? others_ : figures_[local.number]; }
  template <bool kAll, bool kNumbered>
  void collect(const capture::Batch& batch, text::Selection rows);
  void settle(const capture::Batch& batch, text::Selection rows);
  std::vector<Cell> row(std::string_view kind, const Figures& figures, const Listener* listener, double seconds) const;
  void write_sheet(Sheet& sheet, const Figures& total, const Holes& holes) const;
  void say_totals(Sheet& sheet, const Figures& total, const Holes& holes) const;

  KeyIndex addresses_;
  KeyIndex listeners_;
  std::vector<Listener> shown_;   // by number
  std::vector<Figures> figures_;  // by number
  Figures others_;                // of listeners without a number
  Estimate number_of_others_;
  Estimate more_addresses_;  // of all listeners

  // Of the batch at hand.
  std::vector<Local> locals_;
  std::vector<std::uint8_t> seen_;      // peers
  std::vector<std::uint32_t> numbers_;  // of peers
  std::vector<std::uint64_t> hashes_;   // of peers without
  std::uint64_t longest_ = 0;
};

}  // namespace tcpaccept::summary
