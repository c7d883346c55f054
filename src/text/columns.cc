#include "text/columns.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/address_text.h"
#include "text/escape.h"
#include "text/fields.h"
#include "text/wall_time.h"

namespace tcpaccept::text {
namespace {

struct ColumnText {
  std::string_view name;     // on the command line and in CSV
  std::string_view heading;  // in the table
  std::size_t width;         // in the table; wider values overflow
};

// In the order of the enumeration. The widths of the classic columns are the seed's.
constexpr std::array<ColumnText, 24> kColumns{{
    {"time", "TIME(s)", 12},        {"time_ns", "TIME_NS", 16},   {"wall_time", "TIME(UTC)", 30},
    {"raddr", "RADDR", 20},         {"rport", "RPORT", 6},        {"pid", "PID", 8},
    {"comm", "COMM", 12},           {"saddr", "SADDR", 20},       {"sport", "SPORT", 6},
    {"family", "FAMILY", 6},        {"socket_family", "SOCKET", 6}, {"protocol", "PROTO", 5},
    {"netns", "NETNS", 10},         {"cgroup", "CGROUP", 8},      {"backlog", "BACKLOG", 7},
    {"in_kernel", "KERNEL", 6},     {"tid", "TID", 8},            {"cpu", "CPU", 4},
    {"wait_us", "WAIT(us)", 10},    {"ahead", "AHEAD", 6},        {"rtt_us", "RTT(us)", 8},
    {"left", "LEFT", 6},            {"nspid", "NSPID", 8},        {"cgroup_path", "CGROUP_PATH", 40},
}};

const ColumnText& text_of(Column column) { return kColumns[static_cast<std::size_t>(column)]; }

// Longest field but for the path of a cgroup: a name of 15 bytes, each written \xHH, quoted.
constexpr std::size_t kMaxField = 128;

char* put_text(char* to, std::string_view text) { return std::copy(text.begin(), text.end(), to); }

template <typename T>
char* put_recorded(char* to, T value, T not_recorded) {
  if (value == not_recorded) return to;
  if constexpr (sizeof(T) < sizeof(std::uint32_t)) return put_number(to, std::uint32_t{value});
  else return put_number(to, value);
}

char* put_relative(char* to, std::uint64_t since) {
  if (static_cast<std::int64_t>(since) < 0) {
    since = 0 - since;
    *to++ = '-';
  }
  to = put_number(to, since / kNanosPerSecond);
  *to++ = '.';
  return put_6(to, static_cast<std::uint32_t>(since % kNanosPerSecond / 1000));
}

}  // namespace

std::optional<Column> column_named(std::string_view name) {
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    if (kColumns[i].name == name) return static_cast<Column>(i);
  }
  return std::nullopt;
}

capture::Columns ColumnsWriter::columns() const {
  using capture::ColumnId;
  using capture::columns_of;
  // All but the first few are of the listener.
  capture::Columns needed = columns_of(ColumnId::kTime, ColumnId::kListener);
  for (const Column column : columns_) {
    switch (column) {
      case Column::kRaddr: needed |= columns_of(ColumnId::kPeer); break;
      case Column::kRport: needed |= columns_of(ColumnId::kRport); break;
      case Column::kTid: needed |= columns_of(ColumnId::kTid); break;
      case Column::kCpu: needed |= columns_of(ColumnId::kCpu); break;
      case Column::kWaitUs: needed |= columns_of(ColumnId::kWait); break;
      case Column::kAhead: needed |= columns_of(ColumnId::kAhead); break;
      case Column::kRttUs: needed |= columns_of(ColumnId::kRtt); break;
      case Column::kLeft: needed |= columns_of(ColumnId::kLeft); break;
      default: break;
    }
  }
  return needed;
}

void ColumnsWriter::append_header(Buffer& out) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const ColumnText& column = text_of(columns_[i]);
    const bool last = i + 1 == columns_.size();
    if (csv_) {
      out.append(column.name);
      out.append(last ? "\r\n" : ",");
    } else {
      std::string heading{column.heading};
      if (!last) heading.resize(std::max(heading.size(), column.width) + 1, ' ');
      out.append(heading);
      if (last) out.append("\n");
    }
  }
}

void ColumnsWriter::begin_batch(const capture::Batch& batch, std::uint64_t origin) {
  batch_ = &batch;
  origin_ = origin;
}

char* ColumnsWriter::put_field(char* to, Column column, std::size_t row) const {
  const capture::Batch& batch = *batch_;
  const Listener& listener = batch.listeners[batch.listener[row]];
  switch (column) {
    case Column::kTime:
      return put_relative(to, batch.time[row] - origin_);
    case Column::kTimeNs:
      return put_number(to, batch.time[row]);
    case Column::kWallTime:
      return put_text(to, wall_text(batch.clock.wall(batch.time[row])));
    case Column::kRaddr:
      return put_address(to, batch.peers[batch.peer[row]]);
    case Column::kRport:
      return put_number(to, std::uint32_t{batch.rport[row]});
    case Column::kPid:
      return put_number(to, listener.pid);
    case Column::kComm:
      return csv_ ? put_csv_cell(to, listener.comm.view()) : put_escaped(to, listener.comm.view());
    case Column::kSaddr:
      return put_address(to, listener.saddr);
    case Column::kSport:
      return put_number(to, std::uint32_t{listener.sport});
    case Column::kFamily:
      return put_text(to, listener.saddr.is_v4() ? "4" : "6");
    case Column::kSocketFamily:
      return put_socket_family(to, listener.family);
    case Column::kProtocol:
      return listener.protocol == 0 ? to : put_protocol(to, listener.protocol);
    case Column::kNetns:
      return put_recorded(to, listener.netns, std::uint32_t{0});
    case Column::kCgroup:
      return put_recorded(to, listener.cgroup, std::uint64_t{0});
    case Column::kBacklog:
      return put_recorded(to, listener.backlog, kNotRecorded32);
    case Column::kInKernel:
      return put_text(to, listener.in_kernel ? "1" : "0");
    case Column::kTid:
      return put_recorded(to, batch.tid[row], std::uint32_t{0});
    case Column::kCpu:
      return put_recorded(to, batch.cpu[row], kNotRecorded16);
    case Column::kWaitUs:
      return put_recorded(to, batch.wait_us[row], kNotRecorded64);
    case Column::kAhead:
      return put_recorded(to, batch.ahead[row], kNotRecorded32);
    case Column::kRttUs:
      return put_recorded(to, batch.rtt_us[row], kNotRecorded32);
    case Column::kLeft:
      return put_recorded(to, batch.left[row], kNotRecorded32);
    case Column::kNspid:
      return put_recorded(to, listener.nspid, std::uint32_t{0});
    case Column::kCgroupPath: {
      const std::string_view path = batch.cgroup_path(listener.cgroup);
      return csv_ ? put_csv_cell(to, path) : put_escaped(to, path);
    }
  }
  return to;
}

void ColumnsWriter::append_rows(Selection rows, Buffer& out) {
  const std::size_t max_field = kMaxField + longest_path(*batch_) * kEscapedBytes;
  for (const std::uint32_t row : rows) {
    char* to = out.room(columns_.size() * (max_field + 2) + kScribble);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool last = i + 1 == columns_.size();
      char* const begin = to;
      to = put_field(to, columns_[i], row);
      if (csv_) {
        if (!last) *to++ = ',';
        continue;
      }
      if (to == begin && columns_[i] != Column::kComm) *to++ = '-';
      if (last) continue;
      const std::size_t width = text_of(columns_[i]).width;
      while (static_cast<std::size_t>(to - begin) < width) *to++ = ' ';
      *to++ = ' ';
    }
    if (csv_) *to++ = '\r';
    *to++ = '\n';
    out.end_at(to);
  }
}

}  // namespace tcpaccept::text
