#include "text/csv_accepts.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "capture/model.h"
#include "text/escape.h"
#include "text/wall_time.h"

namespace tcpaccept::text {
namespace {

constexpr std::uint8_t kInet = 2;
constexpr std::uint8_t kInet6 = 10;

// Of a field, in a message.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 40;
  return "'" + escaped(text.substr(0, kMost)) + (text.size() > kMost ? "..." : "") + "'";
}

// The largest value of a field whose type has one that means "not recorded".
template <typename T>
constexpr std::uint64_t most_recorded() {
  return std::numeric_limits<T>::max() - 1;
}

}  // namespace

Error CsvAccepts::wrong(std::string_view text, std::string_view what) const {
  const std::string_view column = at_ < columns_.size() ? column_name(columns_[at_]) : "";
  return reader_.error(at_ + 1, (column.empty() ? "" : std::string(column) + ": ") + shown(text) + " " + std::string(what));
}

bool CsvAccepts::has(Column column) const {
  return std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

void CsvAccepts::read_header() {
  reader_.allow_comments(true);
  if (!reader_.next(fields_)) throw reader_.error("there is nothing; the first line of a CSV names its columns");
  for (at_ = 0; at_ < fields_.size(); ++at_) {
    const auto column = column_named(fields_[at_]);
    if (!column || *column == Column::kTime) {
      throw wrong(fields_[at_], "is no column of tcpaccept-report --format csv (see tcpaccept-report --help)");
    }
    if (has(*column)) throw wrong(fields_[at_], "is there twice");
    columns_.push_back(*column);
  }
  for (const Column needed : {Column::kRaddr, Column::kRport, Column::kSaddr, Column::kSport}) {
    if (!has(needed)) throw reader_.error("there is no column " + std::string(column_name(needed)));
  }
  if (!has(Column::kTimeNs) && !has(Column::kWallTime)) {
    throw reader_.error("there is neither a column time_ns nor wall_time");
  }
  // Names and paths may begin with anything.
  reader_.allow_comments(columns_.front() != Column::kComm && columns_.front() != Column::kCgroupPath);
}

template <typename T>
T CsvAccepts::number(std::string_view text, std::uint64_t most, const char* what) const {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) {
    throw wrong(text, std::string("is not ") + what + " (0 to " + std::to_string(most) + ")");
  }
  return static_cast<T>(value);
}

std::string CsvAccepts::bytes(std::string_view text) const {
  auto raw = unescaped(text);
  if (!raw) throw wrong(text, "holds a backslash that does not begin \\xHH");
  return std::move(*raw);
}

bool CsvAccepts::next(CsvAccept& row) {
  if (!reader_.next(fields_)) return false;
  if (fields_.size() != columns_.size()) {
    throw reader_.error("has " + std::to_string(fields_.size()) + (fields_.size() == 1 ? " field" : " fields") +
                        ", but there are " + std::to_string(columns_.size()) + " columns");
  }
  row.accept = {};
  row.cgroup_path.clear();
  row.accept.listener.protocol = has(Column::kProtocol) ? 0 : kProtocolTcp;
  bool has_time = false;
  bool has_wall = false;
  for (at_ = 0; at_ < fields_.size(); ++at_) {
    const std::string_view text = fields_[at_];
    const Column column = columns_[at_];
    if (text.empty()) {
      const bool needed = column == Column::kRaddr || column == Column::kRport || column == Column::kSaddr ||
                          column == Column::kSport;
      if (needed) throw wrong(text, "must not be empty");
      continue;
    }
    set(column, text, row);
    has_time = has_time || column == Column::kTimeNs;
    has_wall = has_wall || column == Column::kWallTime;
  }
  if (!has_time && !has_wall) throw reader_.error("has no time");
  if (!has_time && row.wall < 0) throw reader_.error("is of before 1970, and has no time_ns");
  if (!has_time) row.accept.time = static_cast<std::uint64_t>(row.wall);
  if (!has_wall) row.wall = static_cast<std::int64_t>(row.accept.time);
  Listener& listener = row.accept.listener;
  const auto socket_family = std::find(columns_.begin(), columns_.end(), Column::kSocketFamily);
  const bool family_said =
      socket_family != columns_.end() && !fields_[static_cast<std::size_t>(socket_family - columns_.begin())].empty();
  if (!family_said) listener.family = listener.saddr.is_v4() ? kInet : kInet6;
  if (row.accept.raddr.is_v4() != listener.saddr.is_v4()) {
    at_ = static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), Column::kRaddr) - columns_.begin());
    throw wrong(fields_[at_], "is not of the family of saddr");
  }
  if (const auto family = std::find(columns_.begin(), columns_.end(), Column::kFamily); family != columns_.end()) {
    at_ = static_cast<std::size_t>(family - columns_.begin());
    const std::string_view text = fields_[at_];
    if (!text.empty() && text != (listener.saddr.is_v4() ? "4" : "6")) throw wrong(text, "is not the family of saddr");
  }
  return true;
}

void CsvAccepts::set(Column column, std::string_view text, CsvAccept& row) {
  constexpr std::uint64_t kAny16 = std::numeric_limits<std::uint16_t>::max();
  constexpr std::uint64_t kAny32 = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint64_t kAny64 = std::numeric_limits<std::uint64_t>::max();
  Accept& accept = row.accept;
  Listener& listener = accept.listener;
  const auto address = [&] {
    const auto parsed = parse_address(text);
    if (!parsed) throw wrong(text, "is not an address");
    return *parsed;
  };
  switch (column) {
    case Column::kTimeNs: accept.time = number<std::uint64_t>(text, kAny64, "a time in nanoseconds"); return;
    case Column::kWallTime: {
      const auto wall = parse_wall(text);
      if (!wall) throw wrong(text, "is not a time like 2026-11-23T08:10:50.25Z");
      row.wall = *wall;
      return;
    }
    case Column::kRaddr: accept.raddr = address(); return;
    case Column::kRport: accept.rport = number<std::uint16_t>(text, kAny16, "a port"); return;
    case Column::kPid: listener.pid = number<std::uint32_t>(text, kAny32, "a process id"); return;
    case Column::kComm: {
      const std::string raw = bytes(text);
      if (raw.size() >= listener.comm.bytes.size()) throw wrong(text, "is longer than 15 bytes");
      if (raw.find('\0') != std::string::npos) throw wrong(text, "holds a zero byte");
      listener.comm = Comm::from(raw);
      return;
    }
    case Column::kSaddr: listener.saddr = address(); return;
    case Column::kSport: listener.sport = number<std::uint16_t>(text, kAny16, "a port"); return;
    case Column::kFamily: return;  // once saddr is known
    case Column::kSocketFamily:
      listener.family = text == "inet"    ? kInet
                        : text == "inet6" ? kInet6
                                          : number<std::uint8_t>(text, 255, "inet, inet6 or a number");
      return;
    case Column::kProtocol:
      listener.protocol = text == "tcp"     ? kProtocolTcp
                          : text == "mptcp" ? kProtocolMptcp
                                            : number<std::uint16_t>(text, kAny16, "tcp, mptcp or a number");
      return;
    case Column::kNetns: listener.netns = number<std::uint32_t>(text, kAny32, "an inode number"); return;
    case Column::kCgroup: listener.cgroup = number<std::uint64_t>(text, kAny64, "a cgroup id"); return;
    case Column::kBacklog:
      listener.backlog = number<std::uint32_t>(text, most_recorded<std::uint32_t>(), "a number");
      return;
    case Column::kInKernel: listener.in_kernel = number<std::uint8_t>(text, 1, "yes or no") == 1; return;
    case Column::kTid: accept.tid = number<std::uint32_t>(text, kAny32, "a thread id"); return;
    case Column::kCpu: accept.cpu = number<std::uint16_t>(text, most_recorded<std::uint16_t>(), "a CPU"); return;
    case Column::kWaitUs:
      accept.wait_us = number<std::uint64_t>(text, most_recorded<std::uint64_t>(), "a time in microseconds");
      return;
    case Column::kAhead: accept.ahead = number<std::uint32_t>(text, most_recorded<std::uint32_t>(), "a number"); return;
    case Column::kRttUs:
      accept.rtt_us = number<std::uint32_t>(text, most_recorded<std::uint32_t>(), "a time in microseconds");
      return;
    case Column::kLeft: accept.left = number<std::uint32_t>(text, most_recorded<std::uint32_t>(), "a number"); return;
    case Column::kNspid: listener.nspid = number<std::uint32_t>(text, kAny32, "a process id"); return;
    case Column::kCgroupPath:
      row.cgroup_path = bytes(text);
      if (row.cgroup_path.size() > capture::kMaxCgroupPath) {
        throw wrong(text, "is longer than " + std::to_string(capture::kMaxCgroupPath) + " bytes");
      }
      return;
    case Column::kTime: return;  // read_header() refuses it
  }
}

}  // namespace tcpaccept::text
