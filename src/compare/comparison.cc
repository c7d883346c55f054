#include "compare/comparison.h"

#include <algorithm>
#include <utility>

#include "compare/edit_script.h"
#include "core/error.h"
#include "text/escape.h"

namespace tcpaccept::compare {
namespace {

using text::Column;

// What tells one listener from another; the rest is about the remote end and the moment.
bool of_listener(Column column) {
  switch (column) {
    case Column::kPid:
    case Column::kComm:
    case Column::kSaddr:
    case Column::kSport:
    case Column::kFamily:
    case Column::kSocketFamily:
    case Column::kProtocol:
    case Column::kNetns:
    case Column::kCgroup:
    case Column::kBacklog:
    case Column::kInKernel:
    case Column::kNspid:
    case Column::kCgroupPath: return true;
    default: return false;
  }
}

constexpr std::size_t index(Side side) { return static_cast<std::size_t>(side); }

// "+1.250"
std::string seconds(std::int64_t nanoseconds) {
  const auto bits = static_cast<std::uint64_t>(nanoseconds);  // hostile: the least number has no positive counterpart
  const std::uint64_t milliseconds = (nanoseconds < 0 ? 0 - bits : bits) / 1'000'000;
  std::string digits = std::to_string(milliseconds % 1000);
  digits.insert(0, 3 - digits.size(), '0');
  return (nanoseconds < 0 ? "-" : "+") + std::to_string(milliseconds / 1000) + "." + digits;
}

[[noreturn]] void refuse(std::size_t most, const char* what, const char* remedy) {
  throw Error("more than " + std::to_string(most) + " " + what + ", both sides together; " + remedy);
}

}  // namespace

Comparison::Comparison(std::vector<Column> columns, bool sequence, const Tolerance& tolerance)
    : columns_(std::move(columns)), sequence_(sequence), tolerance_(tolerance) {}

std::string Comparison::part(std::span<const std::string> fields, bool listener) const {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!sequence_ && of_listener(columns_[i]) != listener) continue;
    if (!text.empty()) text += ' ';
    text += text::column_name(columns_[i]);
    text += '=';
    text += text::escaped(fields[i]);
  }
  return text;
}

void Comparison::add(Side side, std::span<const std::string> fields, std::int64_t time) {
  const std::size_t at = index(side);
  std::string group = sequence_ ? std::string{"all accepts"} : part(fields, true);
  const std::string text = part(fields, false);
  const auto [kind, is_new] = by_text_.try_emplace(group + '\n' + text, static_cast<std::uint32_t>(kinds_.size()));
  if (is_new) {
    if (kinds_.size() >= kMaxKinds) refuse(kMaxKinds, "different accepts to compare", "choose fewer rows or columns");
    const auto [place, new_group] = groups_.try_emplace(std::move(group), static_cast<std::uint32_t>(groups_.size()));
    kinds_.push_back({.group = place->second, .text = std::string_view(kind->first).substr(kind->first.size() - text.size())});
  }
  Kind& found = kinds_[kind->second];
  ++found.count[at];
  ++rows_[at];
  if (!first_[at]) first_[at] = time;
  if (sequence_ || tolerance_.time) {
    if (++remembered_ > kMaxRows) {
      refuse(kMaxRows, "accepts to compare in order or by time",
             "choose fewer rows, or leave out --sequence and --tolerate-time");
    }
    if (sequence_) order_[at].push_back(kind->second);
    if (tolerance_.time) {
      // Wraps rather than overflows on hostile times.
      found.times[at].push_back(
          static_cast<std::int64_t>(static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(*first_[at])));
    }
  }
}

void Comparison::compare_times(const Kind& kind, Difference& difference, Verdict& verdict) const {
  if (!tolerance_.time) return;
  const std::size_t pairs = std::min(kind.times[0].size(), kind.times[1].size());
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto apart = static_cast<std::uint64_t>(kind.times[1][i]) - static_cast<std::uint64_t>(kind.times[0][i]);
    if (std::min(apart, 0 - apart) <= *tolerance_.time) continue;
    ++verdict.late;
    if (difference.time.empty()) {
      difference.time = "number " + std::to_string(i + 1) + " came at " + seconds(kind.times[1][i]) +
                        " s, expected at " + seconds(kind.times[0][i]) + " s";
    }
  }
}

void Comparison::compare_counts(const Kind& kind, Group& group, Verdict& verdict) const {
  const auto [expected, actual] = kind.count;
  group.count[0] += expected;
  group.count[1] += actual;
  Difference difference{.what = std::string(kind.text), .count = kind.count};
  compare_times(kind, difference, verdict);
  const auto share = static_cast<std::uint64_t>(static_cast<double>(expected) * tolerance_.percent / 100);
  const std::uint64_t allowed = std::max(tolerance_.count, share);
  const std::uint64_t apart = std::max(expected, actual) - std::min(expected, actual);
  if (apart > allowed) (actual < expected ? verdict.missing : verdict.unexpected) += apart;
  if (apart <= allowed && difference.time.empty()) return;
  if (group.differences.size() < kMaxListed) {
    group.differences.push_back(std::move(difference));
  } else {
    ++group.more;
  }
}

void Comparison::compare_sequences(Verdict& verdict) const {
  Group& group = verdict.groups.front();
  group.count = rows_;
  const std::vector<Edit> script = edit_script(order_[0], order_[1]);
  constexpr std::size_t kContext = 3;
  std::size_t shown = 0;  // edits before this one are in the script, or are equal and far from any difference
  std::uint64_t lines = 0;
  for (std::size_t i = 0; i < script.size(); ++i) {
    if (script[i].kind == Edit::Kind::kBoth) continue;
    ++(script[i].kind == Edit::Kind::kFirstOnly ? verdict.missing : verdict.unexpected);
    if (lines >= kMaxListed) {
      ++group.more;
      continue;
    }
    std::size_t at = i - std::min(i, kContext);
    if (at > shown || lines == 0) {
      verdict.script += "@@ expected " + std::to_string(script[at].first + 1) + ", actual " +
                        std::to_string(script[at].second + 1) + " @@\n";
    }
    for (at = std::max(at, shown); at < std::min(script.size(), i + 1 + kContext); ++at) {
      const Edit& edit = script[at];
      const std::uint32_t kind = edit.kind == Edit::Kind::kSecondOnly ? order_[1][edit.second] : order_[0][edit.first];
      verdict.script += edit.kind == Edit::Kind::kBoth ? ' ' : edit.kind == Edit::Kind::kFirstOnly ? '-' : '+';
      verdict.script += kinds_[kind].text;
      verdict.script += '\n';
      ++lines;
    }
    shown = std::max(shown, at);
  }
}

Verdict Comparison::finish() {
  Verdict verdict{.rows = rows_};
  std::vector<std::uint32_t> place(groups_.size());
  for (const auto& [name, number] : groups_) {
    place[number] = static_cast<std::uint32_t>(verdict.groups.size());
    verdict.groups.push_back({.name = name});
  }
  if (sequence_) {
    if (verdict.groups.empty()) return verdict;
    compare_sequences(verdict);
    if (tolerance_.time) {
      for (const Kind& kind : kinds_) {
        Difference difference{.what = std::string(kind.text), .count = kind.count};
        compare_times(kind, difference, verdict);
        if (!difference.time.empty()) verdict.groups.front().differences.push_back(std::move(difference));
      }
    }
    return verdict;
  }
  std::vector<const Kind*> by_name;
  for (const Kind& kind : kinds_) by_name.push_back(&kind);
  std::sort(by_name.begin(), by_name.end(), [](const Kind* a, const Kind* b) { return a->text < b->text; });
  for (const Kind* kind : by_name) compare_counts(*kind, verdict.groups[place[kind->group]], verdict);
  return verdict;
}

}  // namespace tcpaccept::compare
