// Rows without what changes from one run of the same scenario to the next.
//
//   renamed by first appearance   pid P1, P2, ...; tid T1; nspid N1; netns S1; cgroup G1; rport E1, a remote end: its address
//                                 counts where it is among the columns. On request addresses A1 and local ports L1
//   always the same               time, "+0.000"
//   nothing                       time_ns, wall_time, cpu, wait_us, ahead, rtt_us, left
//
// All else stays, as do 0 for a pid and what was not recorded. Rows of one tie (equal times, or nearer than asked for to
// the first row of the tie) are ordered by the bytes of their fields that stay, from left to right; those that are equal
// there keep their order. A tie of more than kMaxTie rows is ordered in pieces of that size.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "text/columns.h"

namespace tcpaccept::compare {

struct CanonicalRules {
  bool addresses = false;    // rename them, too
  bool local_ports = false;  // rename them, too
  std::uint64_t tie = 0;     // nanoseconds
};

// The raw text of each column, as text::append_field() has it.
using Fields = std::vector<std::string>;

class TooManyNames : public Error {
 public:
  using Error::Error;
};

class Canonical {
 public:
  // Names for more different values than this, of all kinds together, are refused: memory is bounded.
  static constexpr std::size_t kMaxNames = 200'000;
  static constexpr std::size_t kMaxTie = 65'536;

  // Gets each row, with its time, when its place is known; the row is valid during the call.
  using Take = std::function<void(std::span<const std::string> fields, std::uint64_t time)>;

  Canonical(std::vector<text::Column> columns, CanonicalRules rules, Take take);

  // Whatever was recorded, the canonical field is the same.
  static bool says_nothing(text::Column column);

  // Its fields are numbered by first appearance.
  static bool is_numbered(text::Column column, const CanonicalRules& rules) {
    return fate(column, rules) == Fate::kRenamed;
  }
  // While a row is taken: how many there are of its tie.
  std::size_t tied() const { return tied_.size(); }

  // Rows in order; `time` in nanoseconds of any clock. Throws TooManyNames.
  void add(std::uint64_t time, Fields&& fields);
  // After the last row.
  void finish();

 private:
  enum class Fate { kKept, kRenamed, kSteady, kDropped };

  static Fate fate(text::Column column, const CanonicalRules& rules);
  void settle();
  void rename(Fields& fields);
  std::string name(std::string_view prefix, std::string value);

  std::vector<text::Column> columns_;
  std::vector<Fate> fates_;
  std::uint64_t tie_;
  Take take_;
  std::size_t raddr_;  // index among the columns, or their number

  std::uint64_t tie_begin_ = 0;
  struct Tied {
    std::uint64_t time;
    Fields fields;
  };
  std::vector<Tied> tied_;
  std::unordered_map<std::string, std::uint32_t> names_;  // by prefix and value
  std::unordered_map<std::string, std::uint32_t> counts_;  // by prefix
};

}  // namespace tcpaccept::compare
