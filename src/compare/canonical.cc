#include "compare/canonical.h"

#include <algorithm>
#include <string_view>
#include <utility>


namespace tcpaccept::compare {
namespace {

using text::Column;

std::string_view prefix_of(Column column) {
  switch (column) {
    case Column::kPid: return "P";
    case Column::kTid: return "T";
    case Column::kNspid: return "N";
    case Column::kNetns: return "S";
    case Column::kCgroup: return "G";
    case Column::kRport: return "E";
    case Column::kRaddr:
    case Column::kSaddr: return "A";
    case Column::kSport: return "L";
    default: return "";
  }
}

}  // namespace

Canonical::Canonical(std::vector<Column> columns, CanonicalRules rules, Take take)
    : columns_(std::move(columns)),
      tie_(rules.tie),
      take_(std::move(take)),
      raddr_(static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), Column::kRaddr) - columns_.begin())) {
  for (const Column column : columns_) fates_.push_back(fate(column, rules));
}

Canonical::Fate Canonical::fate(Column column, const CanonicalRules& rules) {
  switch (column) {
    case Column::kPid:
    case Column::kTid:
    case Column::kNspid:
    case Column::kNetns:
    case Column::kCgroup:
    case Column::kRport: return Fate::kRenamed;
    case Column::kRaddr:
    case Column::kSaddr: return rules.addresses ? Fate::kRenamed : Fate::kKept;
    case Column::kSport: return rules.local_ports ? Fate::kRenamed : Fate::kKept;
    case Column::kTime: return Fate::kSteady;
    case Column::kTimeNs:
    case Column::kWallTime:
    case Column::kCpu:
    case Column::kWaitUs:
    case Column::kAhead:
    case Column::kRttUs:
    case Column::kLeft: return Fate::kDropped;
    default: return Fate::kKept;
  }
}

bool Canonical::says_nothing(Column column) {
  const Fate what = fate(column, {});
  return what == Fate::kSteady || what == Fate::kDropped;
}

void Canonical::add(std::uint64_t time, Fields&& fields) {
  if (!tied_.empty() && (time - tie_begin_ > tie_ || tied_.size() >= kMaxTie)) settle();
  if (tied_.empty()) tie_begin_ = time;
  tied_.push_back({time, std::move(fields)});
}

void Canonical::finish() { settle(); }

void Canonical::settle() {
  const auto before = [&](const Tied& a, const Tied& b) {
    for (std::size_t i = 0; i < fates_.size(); ++i) {
      if (fates_[i] != Fate::kKept) continue;
      if (const int order = a.fields[i].compare(b.fields[i]); order != 0) return order < 0;
    }
    return false;
  };
  if (tied_.size() > 1) std::stable_sort(tied_.begin(), tied_.end(), before);
  for (Tied& row : tied_) {
    rename(row.fields);
    take_(row.fields, row.time);
  }
  tied_.clear();
}

void Canonical::rename(Fields& fields) {
  // Before the address itself may get a name.
  const std::string peer = raddr_ < fields.size() ? fields[raddr_] : std::string{};
  for (std::size_t i = 0; i < fates_.size(); ++i) {
    std::string& field = fields[i];
    switch (fates_[i]) {
      case Fate::kKept: break;
      case Fate::kSteady: field = "+0.000"; break;
      case Fate::kDropped: field.clear(); break;
      case Fate::kRenamed:
        if (field.empty() || (field == "0" && columns_[i] == Column::kPid)) break;
        field = name(prefix_of(columns_[i]), columns_[i] == Column::kRport ? peer + " " + field : field);
    }
  }
}

std::string Canonical::name(std::string_view prefix, std::string value) {
  const std::string kind{prefix};
  const auto [place, is_new] = names_.try_emplace(kind + std::move(value));
  if (is_new) {
    if (names_.size() > kMaxNames) {
      throw TooManyNames("more than " + std::to_string(kMaxNames) +
                         " different processes, remote ends and the like to be renamed; choose fewer rows or columns");
    }
    place->second = ++counts_[kind];
  }
  return kind + std::to_string(place->second);
}

}  // namespace tcpaccept::compare
