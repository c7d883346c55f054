// Two sides row by row: what was expected and is missing, what came and was not expected.
//
// Rows are canonical (canonical.h) texts of the same columns on both sides. By default order does not count: of each
// listener, rows are the same if as many of them came. As a sequence, the order counts as well.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/columns.h"

namespace tcpaccept::compare {

enum class Side : std::uint8_t { kExpected = 0, kActual = 1 };

struct Tolerance {
  std::uint64_t count = 0;   // as many more or fewer rows of one kind are the same
  double percent = 0;        // the same, of those that are expected
  std::optional<std::uint64_t> time{};  // nanoseconds: rows of one kind, in order, come no further apart, each counted
                                        // from the first row of its side
};

// Rows of one kind that differ in number or time.
struct Difference {
  std::string what;  // "raddr=10.0.0.1", escaped
  std::array<std::uint64_t, 2> count{};  // by Side
  std::string time;  // "" or what is wrong with the times
};

// One listener, or the whole sequence.
struct Group {
  std::string name;  // "comm=sshd saddr=10.0.0.1 sport=22", escaped
  std::array<std::uint64_t, 2> count{};
  std::vector<Difference> differences;  // bounded
  std::uint64_t more = 0;               // differences beyond those
};

struct Verdict {
  std::array<std::uint64_t, 2> rows{};  // by Side
  std::uint64_t missing = 0;     // expected, and not there
  std::uint64_t unexpected = 0;  // there, and not expected
  std::uint64_t late = 0;        // there, at another time
  std::vector<Group> groups;     // listeners in the order of their names; one for a sequence
  std::string script;            // of a sequence: the rows that differ among those around them

  bool same() const { return missing == 0 && unexpected == 0 && late == 0; }
};

class Comparison {
 public:
  // More are refused, counted over both sides together: memory is bounded.
  static constexpr std::size_t kMaxKinds = 80'000;  // rows that differ from each other
  static constexpr std::size_t kMaxRows = 160'000;  // rows at all, in a sequence or with a tolerance of time
  static constexpr std::size_t kMaxListed = 1000;  // differences of a group

  Comparison(std::vector<text::Column> columns, bool sequence, const Tolerance& tolerance);

  // `time`: nanoseconds, on any clock of the side; needed only for a tolerance of time. Throws Error: too many.
  void add(Side side, std::span<const std::string> fields, std::int64_t time);
  Verdict finish();

 private:
  struct Kind {
    std::uint32_t group = 0;
    std::string_view text;  // the end of its name in by_text_
    std::array<std::uint64_t, 2> count{};
    std::array<std::vector<std::int64_t>, 2> times{};
  };

  std::string part(std::span<const std::string> fields, bool of_listener) const;
  void compare_counts(const Kind& kind, Group& group, Verdict& verdict) const;
  void compare_times(const Kind& kind, Difference& difference, Verdict& verdict) const;
  void compare_sequences(Verdict& verdict) const;

  std::vector<text::Column> columns_;
  bool sequence_;
  Tolerance tolerance_;
  std::unordered_map<std::string, std::uint32_t> by_text_;
  std::vector<Kind> kinds_;
  std::map<std::string, std::uint32_t> groups_;  // by name
  std::array<std::vector<std::uint32_t>, 2> order_;  // of a sequence: kinds
  std::array<std::optional<std::int64_t>, 2> first_;
  std::array<std::uint64_t, 2> rows_{};
  std::uint64_t remembered_ = 0;  // rows kept one by one
};

}  // namespace tcpaccept::compare
