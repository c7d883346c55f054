#include "summary/top.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tcpaccept::summary {
namespace {

using Kind = TopField::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 10> kNames{{
    {"raddr", Kind::kRaddr},
    {"rport", Kind::kRport},
    {"pid", Kind::kPid},
    {"comm", Kind::kComm},
    {"saddr", Kind::kSaddr},
    {"sport", Kind::kSport},
    {"netns", Kind::kNetns},
    {"cgroup", Kind::kCgroup},
    {"cpu", Kind::kCpu},
    {"listener", Kind::kListener},
}};

// A field of 16 bits has as many values.
constexpr std::size_t kSmall = 65536;

// Paths that are kept; each is up to kMaxCgroupPath bytes.
constexpr std::size_t kPaths = 1024;

// Of a prefix that is given for IPv4 only: what one customer or one machine room network has.
constexpr unsigned kUsualBitsV6 = 64;

std::optional<unsigned> bits(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

enum Field : std::size_t { kKind, kRank, kField, kValue, kName, kAccepts, kAtMost, kShare, kDistinct, kDistinctExact, kFields };

// In the order of the enumeration; new ones are appended.
constexpr std::array<SheetColumn, kFields> kColumns{{
    {"kind"},
    {"rank", "RANK", true},
    {"field"},
    {"value", "VALUE"},
    {"name", "NAME"},
    {"accepts", "ACCEPTS", true},
    {"at_most", "AT MOST", true},
    {"share", "SHARE", true},
    {"distinct"},
    {"distinct_exact"},
}};

}  // namespace

std::optional<TopField> parse_top_field(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view name = text.substr(0, slash);
  const auto* known = std::find_if(kNames.begin(), kNames.end(), [&](const auto& one) { return one.first == name; });
  if (known == kNames.end()) return std::nullopt;
  TopField field{.kind = known->second};
  if (slash == std::string_view::npos) return field;
  if (field.kind != Kind::kRaddr) return std::nullopt;
  text.remove_prefix(slash + 1);
  const std::size_t second = text.find('/');
  const auto v4 = bits(text.substr(0, second), 32);
  const auto v6 = second == std::string_view::npos ? kUsualBitsV6 : bits(text.substr(second + 1), 128);
  if (!v4 || !v6) return std::nullopt;
  field.bits_v4 = *v4;
  field.bits_v6 = *v6;
  return field;
}

std::string to_string(const TopField& field) {
  const auto* known =
      std::find_if(kNames.begin(), kNames.end(), [&](const auto& one) { return one.second == field.kind; });
  std::string text{known->first};
  if (field.bits_v4 != 32 || field.bits_v6 != 128) {
    text += "/" + std::to_string(field.bits_v4) + "/" + std::to_string(field.bits_v6);
  }
  return text;
}

capture::Columns Top::columns() const {
  using capture::ColumnId;
  using capture::columns_of;
  switch (field_.kind) {
    case Kind::kRaddr: return columns_of(ColumnId::kPeer);
    case Kind::kRport: return columns_of(ColumnId::kRport);
    case Kind::kCpu: return columns_of(ColumnId::kCpu);
    default: return columns_of(ColumnId::kListener);
  }
}

template <typename Index>
void Top::count(const std::vector<Index>& column, std::size_t different, text::Selection rows) {
  counts_.assign(different, 0);
  if (rows.size() == column.size()) {
    for (const Index index : column) ++counts_[index];
  } else {
    for (const std::uint32_t row : rows) ++counts_[column[row]];
  }
}

void Top::add(const capture::Batch& batch, text::Selection rows) {
  accepts_ += rows.size();
  switch (field_.kind) {
    case Kind::kRaddr:
      count(batch.peer, batch.peers.size(), rows);
      add_peers(batch);
      return;
    case Kind::kRport:
    case Kind::kCpu: {
      small_.resize(kSmall);
      const auto& column = field_.kind == Kind::kRport ? batch.rport : batch.cpu;
      for (const std::uint32_t row : rows) ++small_[column[row]];
      return;
    }
    default:
      count(batch.listener, batch.listeners.size(), rows);
      add_listeners(batch);
  }
}

void Top::add_peers(const capture::Batch& batch) {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) hitters_.add(key_of(masked(batch.peers[i])), counts_[i]);
  }
}

void Top::add_listeners(const capture::Batch& batch) {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const Listener& listener = batch.listeners[i];
    const bool named = field_.kind == Kind::kPid || field_.kind == Kind::kListener;
    hitters_.add(key_of_listener(listener), counts_[i], named ? listener.comm : Comm{});
    if (field_.kind != Kind::kCgroup || cgroups_.size() >= kPaths) continue;
    const std::string_view path = batch.cgroup_path(listener.cgroup);
    if (!path.empty()) cgroups_.try_emplace(listener.cgroup, path);
  }
}

Key Top::key_of_listener(const Listener& listener) const {
  switch (field_.kind) {
    case Kind::kPid: return {listener.pid};
    case Kind::kComm: return key_of(listener.comm);
    case Kind::kSaddr: return key_of(listener.saddr);
    case Kind::kSport: return {listener.sport};
    case Kind::kNetns: return {listener.netns};
    case Kind::kCgroup: return {listener.cgroup};
    default: return listener_key(listener);
  }
}

IpAddress Top::masked(const IpAddress& address) const {
  const unsigned kept = address.is_v4() ? 96 + field_.bits_v4 : field_.bits_v6;
  IpAddress result = address;
  for (unsigned i = 0; i < result.bytes.size(); ++i) {
    const unsigned left = kept > 8 * i ? std::min(8u, kept - 8 * i) : 0;
    result.bytes[i] = static_cast<std::uint8_t>(result.bytes[i] & (0xff00u >> left));
  }
  return result;
}

// What is 0 or all ones was not recorded.
std::string Top::value_text(const Key& key) const {
  switch (field_.kind) {
    case Kind::kRaddr: {
      const IpAddress address = address_of(key);
      const unsigned length = address.is_v4() ? field_.bits_v4 : field_.bits_v6;
      const bool whole = length == (address.is_v4() ? 32 : 128);
      return to_string(address) + (whole ? "" : "/" + std::to_string(length));
    }
    case Kind::kSaddr: return to_string(address_of(key));
    case Kind::kComm: return std::string(comm_of(key).view());
    case Kind::kListener: {
      const IpAddress address = address_of(key);
      const std::string text = to_string(address);
      return (address.is_v4() ? text : "[" + text + "]") + ":" + std::to_string(key.third >> 48);
    }
    case Kind::kNetns:
    case Kind::kCgroup: return key.first == 0 ? "" : std::to_string(key.first);
    case Kind::kCpu: return key.first == kNotRecorded16 ? "" : std::to_string(key.first);
    default: return std::to_string(key.first);
  }
}

std::string Top::name_of(const HeavyHitters::Entry& entry) const {
  if (field_.kind != Kind::kCgroup) return std::string(entry.name.view());
  const auto known = cgroups_.find(entry.key.first);
  return known == cgroups_.end() ? "" : known->second;
}

// Ports and CPUs, once all are counted.
void Top::add_small() {
  for (std::size_t value = 0; value < small_.size(); ++value) {
    if (small_[value] != 0) hitters_.add({value}, small_[value]);
  }
  small_.clear();
}

void Top::write(text::Format format, const Holes&, const Emit& emit) {
  add_small();
  Sheet sheet(format, kColumns, emit);
  if (hitters_.exact()) sheet.hide(kAtMost);
  const bool named = field_.kind == Kind::kPid || field_.kind == Kind::kListener || field_.kind == Kind::kCgroup;
  if (!named) sheet.hide(kName);
  const std::string field = to_string(field_);
  const auto share = [&](std::uint64_t count) {
    Cell cell = number(static_cast<double>(count) / static_cast<double>(accepts_), 6);
    cell.shown = number(100 * static_cast<double>(count) / static_cast<double>(accepts_), 1).text + "%";
    return cell;
  };
  const std::vector<HeavyHitters::Entry> entries = hitters_.top(most_);
  std::map<std::string, int> values;
  for (const HeavyHitters::Entry& entry : entries) ++values[value_text(entry.key)];
  std::uint64_t rank = 0;
  for (const HeavyHitters::Entry& entry : entries) {
    std::string value = value_text(entry.key);
    // The same address and port, in another network namespace or of another protocol.
    if (field_.kind == Kind::kListener && values[value] > 1) {
      if ((entry.key.third >> 32 & 0xffff) == kProtocolMptcp) value += " mptcp";
      if (const auto netns = static_cast<std::uint32_t>(entry.key.third); netns != 0) value += " netns " + std::to_string(netns);
    }
    const std::string name = name_of(entry);
    sheet.add({words("value"), number(++rank), words(field), value.empty() && field_.kind != Kind::kComm ? Cell{} : words(value),
               name.empty() ? Cell{} : words(name), number(entry.count), number(entry.count + entry.excess),
               share(entry.count), {}, {}});
  }
  if (format != text::Format::kTable) {
    sheet.add({words("total"), {}, words(field), {}, {}, number(accepts_), number(accepts_), {},
               number(hitters_.distinct()), flag(hitters_.exact())});
  }
  sheet.flush();
  sheet.say("total: " + std::to_string(accepts_) + (accepts_ == 1 ? " accept, " : " accepts, ") +
            (hitters_.exact() ? "" : "~") + std::to_string(hitters_.distinct()) +
            (hitters_.distinct() == 1 ? " value of " : " different values of ") + field);
  if (!hitters_.exact()) sheet.say("too many to count each: a value came at least ACCEPTS and at most AT MOST times");
}

}  // namespace tcpaccept::summary
