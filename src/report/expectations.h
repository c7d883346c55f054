// --expect FILE: what a capture is expected to hold, and whether it does.
//
// The file is TOML, one table for each expectation:
//
//   [[expect]]
//   name = "health checks"             # what reports call it; default: what it says
//   port = 8080                        # these choose accepts, as the filters of the same names do: comm, port, rport,
//   from = ["10.0.0.0/8", "fd00::/8"]  # raddr (or from), saddr, pid; a value or an array of alternatives
//   not-from = "10.9.0.0/16"           # but not from these
//   at-least = 1                       # how many there are: at least (1, if neither is given), at most
//   at-most = 100
//   within = "10s"                     # only those in the first ten seconds of the recording count, and holes then
//   after = "1s"                       # only those after its first second
//
//   [[forbid]]                         # the same with at-most = 0
//   port = 22
//   not-from = "192.168.0.0/16"
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/junit.h"
#include "core/error.h"
#include "report/filter.h"
#include "report/sink.h"
#include "text/buffer.h"

namespace tcpaccept::report {

struct Expectation {
  std::string name;  // safe to print
  FilterSpec filter{};
  std::vector<IpPrefix> not_from{};
  std::uint64_t at_least = 0;
  std::uint64_t at_most = kNotRecorded64;  // kNotRecorded64 = any number
  std::uint64_t after_us = 0;
  std::optional<std::uint64_t> within_us{};
};

// `text`: of the file; `name` is for messages. Throws Error with Exit::kUsage and the line.
std::vector<Expectation> parse_expectations(std::string_view text, const std::string& name);

// Counts what each expectation is about, and gives the verdict.
class Expectations final : public Sink {
 public:
  explicit Expectations(std::vector<Expectation> expectations);

  capture::Columns columns() const override { return columns_; }
  Observer observer(std::size_t input) override;
  void append(const Run& run, const std::shared_ptr<const void>& hold) override;

  enum class Missing {
    kNothing,
    kInHoles,    // accepts may be missing, yet only where the observers were told so, or behind what they were told
    kAnywhere,
  };

  // After the last row. Where accepts may be missing, what is not there proves nothing. A line for each expectation and
  // one for all. kClean: all hold; kFailed: one does not; kIncomplete: one is not known.
  Exit conclude(Missing missing, text::Buffer& out, std::vector<compare::TestCase>& cases) const;

 private:
  struct State {
    Filter filter;
    std::uint64_t count = 0;
    std::string first_beyond;  // the first accept beyond at_most
    bool holed = false;        // accepts may be missing in its time
    std::uint64_t filtered = 0;  // accepts of its time, perhaps, that were left out on request
  };
  // An input's session at hand, on its CLOCK_MONOTONIC.
  struct Session {
    std::uint64_t begin = 0;
    std::uint64_t proved_until = 0;  // the accounts cover all up to here, and balance
    std::uint64_t untold = 0;        // hits that were neither written, filtered nor lost so far; may wrap
  };

  void count(State& state, const Expectation& expectation, const Run& run);
  void add_account(Session& session, const Account& account);
  // Something that came about from `begin` to `end`, both included, may be of the expectation's time.
  static bool touches(const Expectation& expectation, const Session& session, std::uint64_t begin, std::uint64_t end);
  // Accepts may be missing from `begin` to `end`, both included.
  void add_hole(const Session& session, std::uint64_t begin, std::uint64_t end);

  std::vector<Expectation> expectations_;
  std::vector<State> states_;
  capture::Columns columns_ = 0;
  std::map<std::size_t, Session> sessions_;  // by input
  std::vector<std::uint32_t> selected_;  // rows of a batch, for the moment
};

}  // namespace tcpaccept::report
