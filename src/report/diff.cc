#include "report/diff.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "compare/canonical.h"
#include "compare/comparison.h"
#include "compare/junit.h"
#include "compare/stored_text.h"
#include "report/canonical_report.h"
#include "report/reading.h"
#include "report/verdict.h"
#include "text/wall_time.h"

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

// One side's rows into the comparison, canonical. Whether it has holes.
class SideRows {
 public:
  SideRows(Side side, const Options& options, const std::vector<Column>& columns, compare::Comparison& comparison)
      : side_(side), options_(options), columns_(columns), comparison_(comparison) {}

  bool read(Opened opened, const std::string& name, const Streams& streams) {
    const std::string shown = opened.file.name;
    try {
      return opened.is_text() ? read_text(std::move(opened)) : read_capture(std::move(opened), name, streams);
    } catch (const compare::TooManyNames& error) {  // each side has its own
      throw Error(shown + ": " + error.what());
    }
  }

 private:
  void add(std::span<const std::string> fields, std::int64_t time) { comparison_.add(side_, fields, time); }

  bool read_capture(Opened opened, const std::string& name, const Streams& streams) {
    Reading reading(name, source_of(std::move(opened.file), false, std::move(opened.head)), options_);
    Rows rows(columns_, options_.canonical_rules, reading.timeline(), *this);
    reading.attach(rows);
    Output nowhere(-1, "nowhere");
    reading.run(nowhere, streams.terminal);
    const bool hole = reading.conclude(streams.complain) != Exit::kClean;
    refuse_damage(reading.inputs());
    return hole;
  }

  class Rows final : public CanonicalRows {
   public:
    Rows(const std::vector<Column>& columns, const compare::CanonicalRules& rules, const Timeline& timeline, SideRows& side)
        : CanonicalRows(columns, rules, timeline,
                        [&side](std::span<const std::string> fields, std::uint64_t time) {
                          side.add(fields, static_cast<std::int64_t>(time));
                        }) {}
  };

  bool read_text(Opened opened) {
    if (!options_.filter.empty()) {
      throw Error(opened.file.name + ": is a text; filters are for captures");
    }
    const auto source = std::make_shared<capture::Source>(capture::read_from(opened.file.fd, opened.file.name));
    compare::StoredText text(
        [source, head = std::move(opened.head)](std::span<char> to) mutable -> std::size_t {
          if (head.empty()) return source->read(reinterpret_cast<std::byte*>(to.data()), to.size());
          const std::size_t count = std::min(head.size(), to.size());
          std::copy_n(head.data(), count, to.data());
          head.erase(0, count);
          return count;
        },
        opened.file.name);
    compare::Canonical canonical(columns_, options_.canonical_rules,
                                 [this](std::span<const std::string> fields, std::uint64_t time) {
                                   add(fields, static_cast<std::int64_t>(time));
                                 });
    std::vector<std::string> all;
    std::uint64_t number = 0;
    while (text.next(all)) {
      if (number == 0) demand_columns(text, opened.file.name);
      compare::Fields fields;
      for (const Column column : columns_) fields.push_back(all[static_cast<std::size_t>(column)]);
      // Where no time is needed there may be none, and no row is a tie.
      const bool timed = options_.tolerance.time || options_.canonical_rules.tie != 0;
      canonical.add(timed ? time_of(all, opened.file.name) : number, std::move(fields));
      ++number;
    }
    canonical.finish();
    return false;
  }

  void demand_columns(const compare::StoredText& text, const std::string& name) const {
    for (const Column column : columns_) {
      if (!text.has(column)) {
        throw Error(name + ": has no column " + std::string(text::column_name(column)) +
                    "; choose what is compared with --columns");
      }
    }
  }

  static std::uint64_t time_of(const std::vector<std::string>& fields, const std::string& name) {
    const auto field = [&](Column column) -> const std::string& { return fields[static_cast<std::size_t>(column)]; };
    const std::string& digits = field(Column::kTimeNs);
    std::uint64_t time = 0;
    if (!digits.empty() && std::from_chars(digits.data(), digits.data() + digits.size(), time).ec == std::errc{}) {
      return time;
    }
    auto wall = text::parse_wall(field(Column::kWallTime));
    if (!wall) wall = text::parse_seconds(field(Column::kTime));
    if (!wall) throw Error(name + ": has rows without a time, which --tie and --tolerate-time need");
    return static_cast<std::uint64_t>(*wall);
  }

  Side side_;
  const Options& options_;
  const std::vector<Column>& columns_;
  compare::Comparison& comparison_;
};

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

Exit answer_of(const compare::Verdict& verdict, const std::array<bool, 2>& holes) {
  const bool certain = (verdict.missing != 0 && !holes[1]) || (verdict.unexpected != 0 && !holes[0]) ||
                       (verdict.late != 0 && !holes[0] && !holes[1]);
  if (certain) return Exit::kFailed;
  return holes[0] || holes[1] ? Exit::kIncomplete : verdict.same() ? Exit::kClean : Exit::kFailed;
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

Exit compare_files(const Options& options, const Streams& streams) {
  std::array<Opened, 2> opened;
  for (std::size_t i = 0; i < opened.size(); ++i) opened[i].file = open_file(options.files[i], streams.in, false);
  VerdictOutputs outputs(options, streams);
  outputs.confine(streams);

  const std::vector<Column> columns =
      options.columns.empty() ? std::vector{Column::kComm, Column::kRaddr, Column::kSaddr, Column::kSport}
                              : options.columns;
  compare::Comparison comparison(columns, options.sequence, options.tolerance);
  std::array<bool, 2> holes{};
  for (std::size_t i = 0; i < opened.size(); ++i) {
    read_head(opened[i]);
    SideRows rows(i == 0 ? Side::kExpected : Side::kActual, options, columns, comparison);
    holes[i] = rows.read(std::move(opened[i]), options.files[i], streams);
  }
  const compare::Verdict verdict = comparison.finish();
  const Exit answer = answer_of(verdict, holes);
  append_verdict(verdict, answer, outputs.text().buffer());
  outputs.finish("tcpaccept-report --diff", cases_of(verdict, answer));
  return answer;
}

}  // namespace

Exit report_difference(const Options& options, const Streams& streams) {
  return with_verdict([&] { return compare_files(options, streams); });
}

}  // namespace tcpaccept::report
