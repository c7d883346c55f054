#include "report/diff.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "compare/canonical.h"
#include "compare/comparison.h"
#include "compare/junit.h"
#include "compare/stored_text.h"
#include "report/canonical_report.h"
#include "report/reading.h"
#include "report/row_times.h"
#include "report/verdict.h"

namespace tcpaccept::report {
namespace {

using compare::Side;
using text::Column;

// The frame's mark stands behind its lengths (formats/capture.md).
constexpr std::size_t kHead = 24;

struct Opened {
  OpenFile file;
  std::string head;  // its first bytes

  // A file without a byte is JSON without rows (compare/stored_text.h).
  bool is_text() const {
    const auto printable = [](char c) { return c >= ' ' && c < '\x7f'; };
    if (head.empty() || head.starts_with("\xef\xbb\xbf")) return true;
    return printable(head.front()) && (head.size() < 2 || printable(head[1]) || head[1] == '\n');
  }
};

void read_head(Opened& opened) {
  const capture::Source source = capture::read_from(opened.file.fd, opened.file.name);
  std::array<std::byte, kHead> bytes;
  while (opened.head.size() < kHead) {
    const std::size_t got = source.read(bytes.data(), kHead - opened.head.size());
    if (got == 0) return;
    opened.head.append(reinterpret_cast<const char*>(bytes.data()), got);
  }
}

// Where the rows of both sides go.
class Comparisons {
 public:
  // `order_known`: the order of the rows of a side is the same whatever it lacks.
  Comparisons(const Options& options, const std::vector<Column>& columns, bool order_known)
      : all_(columns, options.sequence, options.tolerance) {
    std::vector<Column> kept;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (compare::Canonical::is_numbered(columns[i], options.canonical_rules)) continue;
      kept_.push_back(i);
      kept.push_back(columns[i]);
    }
    const bool numbered = kept.size() != columns.size();
    plain_ = !numbered && (order_known || !options.sequence);
    const bool tolerant = options.tolerance.count != 0 || options.tolerance.percent != 0;
    // How many of a kind may be tolerated nobody knows where kinds are told apart by numbers.
    if (!plain_ && (options.sequence || !tolerant)) {
      of_kept_.emplace(std::move(kept), options.sequence && order_known, compare::Tolerance{});
    }
  }

  void add(Side side, std::span<const std::string> fields, std::uint64_t time) {
    all_.add(side, fields, static_cast<std::int64_t>(time));
    if (!of_kept_) return;
    std::vector<std::string> kept;
    for (const std::size_t i : kept_) kept.push_back(fields[i]);
    of_kept_->add(side, kept, 0);
  }

  compare::Verdict finish() { return all_.finish(); }

  // Known for certain although sides have holes: a hole can only hide accepts. Yet those that it hides would shift the
  // numbers that are given by first appearance, and perhaps which of the others are simultaneous.
  bool different(const compare::Verdict& verdict, const std::array<bool, 2>& holes) {
    if (!plain_ && !of_kept_) return false;
    const compare::Verdict& proof = plain_ ? verdict : of_kept_->finish();
    return (proof.missing != 0 && !holes[1]) || (proof.unexpected != 0 && !holes[0]);
  }

 private:
  compare::Comparison all_;
  bool plain_ = true;  // a hole changes nothing in the rows that are there
  std::vector<std::size_t> kept_;  // columns that a hole does not change
  std::optional<compare::Comparison> of_kept_;
};

// One side's rows into the comparisons, canonical.
class SideRows {
 public:
  // Of a stored text, the first row is read. Throws Error.
  SideRows(Side side, Opened opened, const std::string& name, const Options& options,
           const std::vector<Column>& columns)
      : side_(side), opened_(std::move(opened)), name_(name), options_(options), columns_(columns) {
    if (opened_.is_text()) begin_text();
  }

  bool is_text() const { return text_ != nullptr; }
  bool has_rows() const { return !is_text() || any_; }
  // Of a text: what tells its times, the finest first.
  const std::vector<RowTime>& times() const { return times_; }

  // By the time that this column tells.
  void order_by(std::optional<RowTime> column) { column_ = column; }
  // These ties are to be noted; or, of a text, taken.
  void note(Ties& ties) { noted_ = &ties; }
  void take(Ties& ties) { taken_ = &ties; }

  // Whether it has holes. Throws Error.
  bool read(Comparisons& comparisons, const Streams& streams) {
    comparisons_ = &comparisons;
    try {
      return is_text() ? read_text() : read_capture(streams);
    } catch (const compare::TooManyNames& error) {  // each side has its own
      throw Error(shown() + ": " + error.what());
    }
  }

 private:
  const std::string& shown() const { return opened_.file.name; }

  void add(const compare::Canonical& canonical, std::span<const std::string> fields, std::uint64_t time) {
    if (noted_ != nullptr) noted_->add(canonical.tied());
    comparisons_->add(side_, fields, time);
  }

  bool read_capture(const Streams& streams) {
    const std::string shown = this->shown();
    Reading reading(name_, source_of(std::move(opened_.file), false, std::move(opened_.head)), options_);
    Rows rows(columns_, options_.canonical_rules, CaptureTimes(column_, reading.timeline()), *this);
    opened_.file.name = shown;
    reading.attach(rows);
    Output nowhere(-1, "nowhere");
    reading.run(nowhere, streams.terminal);
    const bool hole = reading.conclude(streams.complain) != Exit::kClean;
    refuse_damage(reading.inputs());
    return hole;
  }

  class Rows final : public CanonicalRows {
   public:
    Rows(const std::vector<Column>& columns, const compare::CanonicalRules& rules, CaptureTimes times, SideRows& side)
        : CanonicalRows(columns, rules, times,
                        [this, &side](std::span<const std::string> fields, std::uint64_t time) {
                          side.add(canonical(), fields, time);
                        }) {}
  };

  void begin_text() {
    if (!options_.filter.empty()) throw Error(shown() + ": is a text; filters are for captures");
    const auto source = std::make_shared<capture::Source>(capture::read_from(opened_.file.fd, opened_.file.name));
    text_ = std::make_unique<compare::StoredText>(
        [source, head = std::move(opened_.head)](std::span<char> to) mutable -> std::size_t {
          if (head.empty()) return source->read(reinterpret_cast<std::byte*>(to.data()), to.size());
          const std::size_t count = std::min(head.size(), to.size());
          std::copy_n(head.data(), count, to.data());
          head.erase(0, count);
          return count;
        },
        opened_.file.name);
    any_ = text_->next(row_);
    if (!any_) return;
    for (const Column column : columns_) {
      if (!text_->has(column)) {
        throw Error(shown() + ": has no column " + std::string(text::column_name(column)) +
                    "; choose what is compared with --columns");
      }
    }
    times_ = time_columns(row_);
  }

  bool read_text() {
    compare::Canonical canonical(columns_, options_.canonical_rules,
                                 [&](std::span<const std::string> fields, std::uint64_t time) {
                                   add(canonical, fields, time);
                                 });
    for (; any_; any_ = text_->next(row_)) {
      compare::Fields fields;
      for (const Column column : columns_) fields.push_back(row_[static_cast<std::size_t>(column)]);
      canonical.add(time_of_row(), std::move(fields));
    }
    canonical.finish();
    return false;
  }

  std::uint64_t time_of_row() {
    if (taken_ != nullptr) return taken_->next();
    const auto time = column_ ? time_of(row_, column_->column) : std::nullopt;
    if (time) return column_->coarse(*time);
    if (options_.tolerance.time || options_.canonical_rules.tie != 0) {
      throw Error(shown() + ": has rows without a time, which --tie and --tolerate-time need");
    }
    return untimed_++;  // no tie
  }

  Side side_;
  Opened opened_;
  const std::string& name_;
  const Options& options_;
  const std::vector<Column>& columns_;
  std::unique_ptr<compare::StoredText> text_;
  std::vector<std::string> row_;  // of text_, the next one, if
  bool any_ = false;
  std::vector<RowTime> times_;
  std::optional<RowTime> column_;
  std::uint64_t untimed_ = std::uint64_t{1} << 63;  // no time
  Ties* noted_ = nullptr;
  Ties* taken_ = nullptr;
  Comparisons* comparisons_ = nullptr;
};

using Sides = std::array<std::unique_ptr<SideRows>, 2>;

// Both sides by one rule: by the finest time that both tell. Where only one does, it is the result: that side must be
// read first, and gives its ties to the other.
std::optional<std::size_t> choose_times(const Sides& sides, const Options& options) {
  const auto tells = [&](std::size_t i) { return !sides[i]->is_text() || !sides[i]->times().empty(); };
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const SideRows& other = *sides[1 - i];
    const std::vector<RowTime>& own = sides[i]->times();
    if (!sides[i]->is_text()) {
      if (!other.times().empty()) sides[i]->order_by(other.times().front());
      continue;
    }
    if (own.empty()) continue;
    RowTime chosen = own.front();
    for (const RowTime& mine : own) {
      const auto its = std::find_if(other.times().begin(), other.times().end(),
                                    [&](const RowTime& one) { return one.column == mine.column; });
      if (its == other.times().end()) continue;
      chosen = {mine.column, std::max(mine.unit, its->unit)};
      break;
    }
    sides[i]->order_by(chosen);
  }
  const bool needed = options.tolerance.time || options.canonical_rules.tie != 0;
  if (needed || tells(0) == tells(1) || !sides[0]->has_rows() || !sides[1]->has_rows()) return std::nullopt;
  return tells(0) ? 0 : 1;
}

std::string counted(std::uint64_t count, const char* what) { return std::to_string(count) + " " + what; }

void append_group(const compare::Group& group, text::Buffer& out) {
  if (group.differences.empty() && group.more == 0) return;
  out.append(group.name + ": " + counted(group.count[0], "expected, ") + counted(group.count[1], "there\n"));
  for (const compare::Difference& difference : group.differences) {
    const auto [expected, actual] = difference.count;
    const char* const sign = actual < expected ? "  - " : actual > expected ? "  + " : "  ~ ";
    out.append(sign + (difference.what.empty() ? std::string{"accepts"} : difference.what));
    if (actual != expected) out.append(": " + counted(expected, "expected, ") + counted(actual, "there"));
    if (!difference.time.empty()) out.append(": " + difference.time);
    out.append("\n");
  }
  if (group.more != 0) out.append("  " + counted(group.more, "more differences\n"));
}

const char* word(Exit answer) {
  return answer == Exit::kClean ? "same" : answer == Exit::kFailed ? "different" : "unknown";
}

void append_verdict(const compare::Verdict& verdict, Exit answer, text::Buffer& out) {
  if (!verdict.script.empty()) out.append(verdict.script);
  for (const compare::Group& group : verdict.groups) append_group(group, out);
  std::string line = std::string(word(answer)) + ": " + counted(verdict.rows[0], "expected, ") +
                     counted(verdict.rows[1], "there");
  if (verdict.missing != 0) line += ", " + counted(verdict.missing, "missing");
  if (verdict.unexpected != 0) line += ", " + counted(verdict.unexpected, "unexpected");
  if (verdict.late != 0) line += ", " + counted(verdict.late, "at another time");
  if (answer == Exit::kIncomplete) line += "; a capture with holes proves nothing about what it lacks";
  out.append(line + "\n");
}

Exit answer_of(const compare::Verdict& verdict, Comparisons& comparisons, const std::array<bool, 2>& holes) {
  if (!holes[0] && !holes[1]) return verdict.same() ? Exit::kClean : Exit::kFailed;
  return comparisons.different(verdict, holes) ? Exit::kFailed : Exit::kIncomplete;
}

std::vector<compare::TestCase> cases_of(const compare::Verdict& verdict, Exit answer) {
  std::vector<compare::TestCase> cases;
  for (const compare::Group& group : verdict.groups) {
    text::Buffer text;
    append_group(group, text);
    const bool same = text.empty() && verdict.script.empty();
    // What is the same in a capture with a hole may not have been.
    const auto result = answer == Exit::kIncomplete ? compare::TestCase::Result::kUnknown
                        : same                      ? compare::TestCase::Result::kPass
                                                    : compare::TestCase::Result::kFail;
    cases.push_back({.name = group.name, .result = result, .detail = std::string(text.view()) + verdict.script});
  }
  if (cases.empty()) {
    cases.push_back({.name = "accepts",
                     .result = answer == Exit::kClean ? compare::TestCase::Result::kPass
                                                      : compare::TestCase::Result::kUnknown,
                     .detail = "there are none on either side"});
  }
  return cases;
}

constexpr const char* kSuite = "tcpaccept-report --diff";

Exit compare_files(const Options& options, const Streams& streams, VerdictOutputs& outputs) {
  std::array<Opened, 2> opened;
  for (std::size_t i = 0; i < opened.size(); ++i) opened[i].file = open_file(options.files[i], streams.in, false);
  outputs.confine(streams);

  const std::vector<Column> columns =
      options.columns.empty() ? std::vector{Column::kComm, Column::kRaddr, Column::kSaddr, Column::kSport}
                              : options.columns;
  Sides sides;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    read_head(opened[i]);
    sides[i] = std::make_unique<SideRows>(i == 0 ? Side::kExpected : Side::kActual, std::move(opened[i]),
                                          options.files[i], options, columns);
  }
  std::optional<std::size_t> giver = choose_times(sides, options);
  const bool in_order = options.sequence || std::any_of(columns.begin(), columns.end(), [&](Column column) {
                          return compare::Canonical::is_numbered(column, options.canonical_rules);
                        });
  if (!in_order) giver.reset();
  Ties ties;
  if (giver) {
    sides[*giver]->note(ties);
    sides[1 - *giver]->take(ties);
  }
  Comparisons comparisons(options, columns, !giver && options.canonical_rules.tie == 0);
  std::array<bool, 2> holes{};
  const std::size_t first = giver.value_or(0);
  for (const std::size_t i : {first, 1 - first}) holes[i] = sides[i]->read(comparisons, streams);
  const compare::Verdict verdict = comparisons.finish();
  const Exit answer = answer_of(verdict, comparisons, holes);
  append_verdict(verdict, answer, outputs.text().buffer());
  outputs.finish(kSuite, cases_of(verdict, answer));
  return answer;
}

}  // namespace

Exit report_difference(const Options& options, const Streams& streams) {
  return with_verdict([&] {
    VerdictOutputs outputs(options, streams);
    return outputs.answer(kSuite, [&] { return compare_files(options, streams, outputs); });
  });
}

}  // namespace tcpaccept::report
