#include "report/expectations.h"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "report/values.h"
#include "text/escape.h"
#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

constexpr std::size_t kMost = 1000;

// One table of the file.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string name) : table_(table), name_(std::move(name)) {}

  Expectation read(bool forbid) {
    Expectation expectation{.name = described(forbid)};
    FilterSpec& filter = expectation.filter;
    for (auto&& [key, node] : table_) read_key(key.str(), node, expectation, filter);
    if (forbid) {
      if (table_.contains("at-least") || table_.contains("at-most")) {
        refuse(table_, "[[forbid]] takes neither at-least nor at-most");
      }
      expectation.at_most = 0;
    } else if (!table_.contains("at-least") && !table_.contains("at-most")) {
      expectation.at_least = 1;
    }
    if (expectation.name.empty()) refuse(table_, "name: is empty");
    if (expectation.within_us && *expectation.within_us <= expectation.after_us) {
      refuse(table_, "within is not longer than after: nothing is between them");
    }
    if (expectation.at_least > expectation.at_most) refuse(table_, "at-least is more than at-most");
    return expectation;
  }

 private:
  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const {
    throw Error(name_ + ": line " + std::to_string(node.source().begin.line) + ": " + what, Exit::kUsage);
  }

  void read_key(std::string_view key, const toml::node& node, Expectation& expectation, FilterSpec& filter) {
    const std::string option{key};
    const char* const label = option.c_str();
    const auto values = [&] { return texts(option, node); };
    try {
      if (key == "name") {
        if (!node.is_string()) refuse(node, "name: not a string");
        expectation.name = text::escaped(node.as_string()->get());
      } else if (key == "comm") {
        filter.comms = comm_names(label, values());
      } else if (key == "pid") {
        filter.pids = numbers<std::uint32_t>(label, values(), "a process id");
      } else if (key == "port") {
        filter.ports = port_numbers(label, values());
      } else if (key == "rport") {
        filter.rports = port_numbers(label, values());
      } else if (key == "from" || key == "raddr") {
        const std::vector<IpPrefix> more = prefixes(label, values());
        filter.raddrs.insert(filter.raddrs.end(), more.begin(), more.end());
      } else if (key == "saddr") {
        filter.saddrs = prefixes(label, values());
      } else if (key == "not-from") {
        expectation.not_from = prefixes(label, values());
      } else if (key == "at-least") {
        expectation.at_least = count(option, node);
      } else if (key == "at-most") {
        expectation.at_most = count(option, node);
      } else if (key == "within") {
        expectation.within_us = time(option, node);
      } else if (key == "after") {
        expectation.after_us = time(option, node);
      } else {
        refuse(node, "there is no '" + text::escaped(key) + "'");
      }
    } catch (const ValueError& error) {
      refuse(node, error.what());
    }
  }

  // A value, or an array of them, as texts.
  std::vector<std::string> texts(const std::string& key, const toml::node& node) const {
    std::vector<std::string> result;
    const auto add = [&](const toml::node& value) {
      if (const auto* number = value.as_integer()) {
        result.push_back(std::to_string(number->get()));
      } else if (const auto* string = value.as_string()) {
        result.push_back(string->get());
      } else {
        refuse(value, key + ": neither a string nor a whole number");
      }
    };
    if (const auto* array = node.as_array()) {
      for (const toml::node& value : *array) add(value);
    } else {
      add(node);
    }
    if (result.empty()) refuse(node, key + ": is empty");
    return result;
  }

  std::uint64_t count(const std::string& key, const toml::node& node) const {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < 0) refuse(node, key + ": not a whole number of accepts");
    return static_cast<std::uint64_t>(number->get());
  }

  std::uint64_t time(const std::string& key, const toml::node& node) const {
    const auto* string = node.as_string();
    if (string == nullptr || string->get().empty()) refuse(node, key + ": not a time with its unit, like \"10s\"");
    return *microseconds(key.c_str(), string->get());
  }

  // "port 22 not-from 192.168.0.0/16", in the order of the keys.
  std::string described(bool forbid) const {
    std::string result = forbid ? "forbid" : "expect";
    for (auto&& [key, node] : table_) {
      if (key == "at-least" || key == "at-most" || key == "name") continue;
      const std::vector<std::string> list = texts(std::string(key.str()), node);
      result += " " + text::escaped(key.str()) + " ";
      for (std::size_t i = 0; i < list.size(); ++i) {
        if (i != 0) result += ',';
        result += text::escaped(list[i]);
      }
    }
    return result;
  }

  const toml::table& table_;
  std::string name_;
};

}  // namespace

std::vector<Expectation> parse_expectations(std::string_view text, const std::string& name) {
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(name + ": line " + std::to_string(error.source().begin.line) + ": " +
                    text::escaped(error.description()),
                Exit::kUsage);
  }
  std::vector<std::pair<std::uint32_t, Expectation>> found;  // by line
  for (auto&& [key, node] : file) {
    const bool forbid = key == "forbid";
    const auto* tables = node.as_array();
    if ((!forbid && key != "expect") || tables == nullptr) {
      throw Error(name + ": line " + std::to_string(node.source().begin.line) + ": '" + text::escaped(key.str()) +
                      "': only [[expect]] and [[forbid]] are known",
                  Exit::kUsage);
    }
    for (const toml::node& each : *tables) {
      const auto* table = each.as_table();
      if (table == nullptr) throw Error(name + ": [[expect]] and [[forbid]] are tables", Exit::kUsage);
      found.emplace_back(each.source().begin.line, TableReader(*table, name).read(forbid));
    }
  }
  if (found.empty()) throw Error(name + ": expects nothing; it needs [[expect]] or [[forbid]]", Exit::kUsage);
  if (found.size() > kMost) {
    throw Error(name + ": has more than " + std::to_string(kMost) + " expectations", Exit::kUsage);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Expectation> result;
  for (auto& [line, expectation] : found) result.push_back(std::move(expectation));
  return result;
}

Expectations::Expectations(std::vector<Expectation> expectations) : expectations_(std::move(expectations)) {
  using capture::ColumnId;
  columns_ = capture::columns_of(ColumnId::kTime, ColumnId::kListener, ColumnId::kPeer);
  for (const Expectation& expectation : expectations_) {
    states_.push_back({.filter = Filter(expectation.filter)});
    columns_ |= states_.back().filter.columns();
  }
}

Observer Expectations::observer(std::size_t input) {
  return {
      .start =
          [this, input](const capture::Start& start) {
            sessions_[input] = {.begin = start.clock.monotonic, .proved_until = start.clock.monotonic};
          },
      .account =
          [this, input](const Account& account) {
            if (const auto at = sessions_.find(input); at != sessions_.end()) add_account(at->second, account);
          },
      .session =
          [this, input](const SessionTotals& totals) {
            const auto at = sessions_.find(input);
            if (at != sessions_.end() && !totals.end) add_hole(at->second, at->second.proved_until, kNotRecorded64);
          },
  };
}

void Expectations::add_account(Session& session, const Account& account) {
  for (const Gap& gap : account.gaps) {
    // One without a length says only where something was found missing. What stands for lost accounts may be of their
    // time, and where an end is lost, of any time behind it.
    const bool point = gap.begin == gap.end;
    const bool not_ended = gap.reason == GapReason::kNotEnded;
    const bool untold = not_ended || gap.reason == GapReason::kDamage;
    const std::uint64_t begin = untold ? std::min(session.proved_until, gap.begin) : gap.begin;
    add_hole(session, point ? 0 : begin, point || not_ended ? kNotRecorded64 : gap.end);
  }
  if (!account.ledger) return;
  const capture::Ledger& ledger = *account.ledger;
  session.untold += ledger.hits - ledger.written - ledger.filtered - ledger.lost;
  // A loss may be told later than it came about, yet not later than the account balances again.
  const std::uint64_t begin = std::min(session.proved_until, ledger.begin);
  if (!ledger.complete()) add_hole(session, begin, ledger.end);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (touches(expectations_[i], session, begin, ledger.end)) states_[i].filtered += ledger.filtered;
  }
  if (session.untold == 0 && ledger.begin <= session.proved_until) {
    session.proved_until = std::max(session.proved_until, ledger.end);
  }
}

bool Expectations::touches(const Expectation& expectation, const Session& session, std::uint64_t begin,
                           std::uint64_t end) {
  const auto since_us = [&](std::uint64_t time) { return (time - std::min(session.begin, time)) / 1000; };
  const bool before = since_us(end) < expectation.after_us;
  const bool behind = expectation.within_us && since_us(begin) >= *expectation.within_us;
  return !before && !behind;
}

void Expectations::add_hole(const Session& session, std::uint64_t begin, std::uint64_t end) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (touches(expectations_[i], session, begin, end)) states_[i].holed = true;
  }
}

void Expectations::append(const Run& run, const std::shared_ptr<const void>&) {
  // Without its start a recording begins with its first accept.
  sessions_.try_emplace(run.feed, Session{.begin = run.batch->time[run.rows.front()]});
  for (std::size_t i = 0; i < states_.size(); ++i) count(states_[i], expectations_[i], run);
}

void Expectations::count(State& state, const Expectation& expectation, const Run& run) {
  const capture::Batch& batch = *run.batch;
  const std::uint64_t begin = sessions_.at(run.feed).begin;
  state.filter.select(batch, run.rows.front(), run.rows.back() + 1, 0, selected_);
  // Both ascend.
  auto candidate = selected_.begin();
  for (const std::uint32_t row : run.rows) {
    candidate = std::lower_bound(candidate, selected_.end(), row);
    if (candidate == selected_.end()) return;
    if (*candidate != row) continue;
    const std::uint64_t since_us = (batch.time[row] - std::min(begin, batch.time[row])) / 1000;
    if (since_us < expectation.after_us || (expectation.within_us && since_us >= *expectation.within_us)) continue;
    const IpAddress& peer = batch.peers[batch.peer[row]];
    if (std::any_of(expectation.not_from.begin(), expectation.not_from.end(),
                    [&](const IpPrefix& prefix) { return prefix.contains(peer); })) {
      continue;
    }
    if (++state.count > expectation.at_most && state.first_beyond.empty()) {
      const Listener& listener = batch.listeners[batch.listener[row]];
      state.first_beyond = text::wall_text(batch.clock.wall(batch.time[row])) + " from " + to_string(peer) + " to " +
                           to_string(listener.saddr) + " port " + std::to_string(listener.sport) + ", " +
                           text::escaped(listener.comm.view());
    }
  }
}

Exit Expectations::conclude(Missing missing, text::Buffer& out, std::vector<compare::TestCase>& cases) const {
  using Result = compare::TestCase::Result;
  std::uint64_t passed = 0, failed = 0, unknown = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Expectation& expectation = expectations_[i];
    const State& state = states_[i];
    const bool bounded = expectation.at_most != kNotRecorded64;
    const bool too_few = state.count < expectation.at_least;
    const bool too_many = state.count > expectation.at_most;
    // Accepts that are missing could make too few enough, and enough too many.
    const bool hole = missing == Missing::kAnywhere || (missing == Missing::kInHoles && state.holed);
    const bool known = !hole || too_many || (!too_few && !bounded);
    const Result result = !known ? Result::kUnknown : too_few || too_many ? Result::kFail : Result::kPass;
    ++(result == Result::kPass ? passed : result == Result::kFail ? failed : unknown);

    std::string detail = std::to_string(state.count) + (state.count == 1 ? " accept" : " accepts");
    if (expectation.at_least != 0) detail += ", at least " + std::to_string(expectation.at_least);
    if (bounded) detail += ", at most " + std::to_string(expectation.at_most);
    if (!state.first_beyond.empty()) detail += "; the first beyond that: " + state.first_beyond;
    if (!known) detail += "; but accepts are missing in the capture";
    // No hole, for somebody wanted it so; yet a reader must know what the answer is about.
    if (known && state.filtered != 0 && (too_few || (bounded && !too_many))) {
      detail += "; " + std::to_string(state.filtered) + (state.filtered == 1 ? " accept" : " accepts") +
                " of that time filtered out of the capture";
    }
    const char* const word = result == Result::kPass ? "pass     " : result == Result::kFail ? "FAIL     " : "unknown  ";
    out.append(word + expectation.name + ": " + detail + "\n");
    cases.push_back({.name = expectation.name, .result = result, .detail = detail});
  }
  out.append(std::to_string(states_.size()) + (states_.size() == 1 ? " expectation: " : " expectations: ") +
             std::to_string(passed) + " passed, " + std::to_string(failed) + " failed, " + std::to_string(unknown) +
             " unknown\n");
  return failed != 0 ? Exit::kFailed : unknown != 0 ? Exit::kIncomplete : Exit::kClean;
}

}  // namespace tcpaccept::report
