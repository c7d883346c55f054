#include "text/columns.h"

#include <algorithm>
#include <array>

#include "text/address_text.h"
#include "text/escape.h"
#include "text/fields.h"
#include "text/wall_time.h"

namespace tcpaccept::text {
namespace {

struct ColumnText {
  std::string_view name;     // on the command line, in CSV and JSON
  std::string_view heading;  // in the table
  std::size_t width;         // in the table; wider values overflow
};

// In the order of the enumeration. The widths of the classic columns are the seed's.
constexpr std::array<ColumnText, kColumnCount> kColumns{{
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

// A name of an enumeration, an address, a time: no number even if it looks like one, but nothing hostile either.
bool is_number(Column column) {
  switch (column) {
    case Column::kWallTime:
    case Column::kRaddr:
    case Column::kComm:
    case Column::kSaddr:
    case Column::kSocketFamily:
    case Column::kProtocol:
    case Column::kInKernel:
    case Column::kCgroupPath: return false;
    default: return true;
  }
}

// Longest field but for the path of a cgroup.
constexpr std::size_t kMaxField = 64;

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

char* put_field(char* to, Column column, const capture::Batch& batch, std::size_t row, std::uint64_t origin) {
  const Listener& listener = batch.listeners[batch.listener[row]];
  switch (column) {
    case Column::kTime: return put_relative(to, batch.time[row] - origin);
    case Column::kTimeNs: return put_number(to, batch.time[row]);
    case Column::kWallTime: return put_text(to, wall_text(batch.clock.wall(batch.time[row])));
    case Column::kRaddr: return put_address(to, batch.peers[batch.peer[row]]);
    case Column::kRport: return put_number(to, std::uint32_t{batch.rport[row]});
    case Column::kPid: return put_number(to, listener.pid);
    case Column::kComm: return put_text(to, listener.comm.view());
    case Column::kSaddr: return put_address(to, listener.saddr);
    case Column::kSport: return put_number(to, std::uint32_t{listener.sport});
    case Column::kFamily: return put_text(to, listener.saddr.is_v4() ? "4" : "6");
    case Column::kSocketFamily: return put_socket_family(to, listener.family);
    case Column::kProtocol: return listener.protocol == 0 ? to : put_protocol(to, listener.protocol);
    case Column::kNetns: return put_recorded(to, listener.netns, std::uint32_t{0});
    case Column::kCgroup: return put_recorded(to, listener.cgroup, std::uint64_t{0});
    case Column::kBacklog: return put_recorded(to, listener.backlog, kNotRecorded32);
    case Column::kInKernel: return put_text(to, listener.in_kernel ? "1" : "0");
    case Column::kTid: return put_recorded(to, batch.tid[row], std::uint32_t{0});
    case Column::kCpu: return put_recorded(to, batch.cpu[row], kNotRecorded16);
    case Column::kWaitUs: return put_recorded(to, batch.wait_us[row], kNotRecorded64);
    case Column::kAhead: return put_recorded(to, batch.ahead[row], kNotRecorded32);
    case Column::kRttUs: return put_recorded(to, batch.rtt_us[row], kNotRecorded32);
    case Column::kLeft: return put_recorded(to, batch.left[row], kNotRecorded32);
    case Column::kNspid: return put_recorded(to, listener.nspid, std::uint32_t{0});
    case Column::kCgroupPath: break;  // of any length
  }
  return to;
}

// A string of JSON, and its bytes in hex where that cannot hold them.
char* put_json_text(char* to, std::string_view name, std::string_view text) {
  const JsonString string = put_json_string(to, text);
  to = string.end;
  if (string.lossless) return to;
  *to++ = ',';
  *to++ = '"';
  to = put_text(to, name);
  to = put_text(to, "_hex\":\"");
  to = put_hex(to, text);
  *to++ = '"';
  return to;
}

bool all_of_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

constexpr std::array kTableColumns{Column::kPid,   Column::kComm,  Column::kRaddr,
                                   Column::kRport, Column::kSaddr, Column::kSport};

// All but kTime.
constexpr auto kCsvColumns = [] {
  std::array<Column, kColumnCount - 1> columns{};
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<Column>(i + 1);
  return columns;
}();

}  // namespace

std::optional<Column> column_named(std::string_view name) {
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    if (kColumns[i].name == name) return static_cast<Column>(i);
  }
  return std::nullopt;
}

std::optional<Column> column_headed(std::string_view heading) {
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    if (kColumns[i].heading == heading) return static_cast<Column>(i);
  }
  return std::nullopt;
}

std::string_view column_name(Column column) { return text_of(column).name; }

std::span<const Column> table_columns() { return kTableColumns; }
std::span<const Column> csv_columns() { return kCsvColumns; }

capture::Columns columns_for(std::span<const Column> columns) {
  using capture::ColumnId;
  using capture::columns_of;
  // All but the first few are of the listener.
  capture::Columns needed = columns_of(ColumnId::kTime, ColumnId::kListener);
  for (const Column column : columns) {
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

void append_field(Column column, const capture::Batch& batch, std::size_t row, std::uint64_t origin, std::string& to) {
  if (column == Column::kCgroupPath) {
    to += batch.cgroup_path(batch.listeners[batch.listener[row]].cgroup);
    return;
  }
  std::array<char, kMaxField + kScribble> field;
  to.append(field.data(), put_field(field.data(), column, batch, row, origin));
}

void RowLayout::append_header(Buffer& out) const {
  if (format_ == Format::kJson) return;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const ColumnText& column = text_of(columns_[i]);
    const bool last = i + 1 == columns_.size();
    if (format_ == Format::kCsv) {
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

void RowLayout::append_row(std::span<const std::string> fields, Buffer& out) const {
  switch (format_) {
    case Format::kTable: return append_table(fields, out);
    case Format::kCsv: return append_csv(fields, out);
    case Format::kJson: return append_json(fields, out);
  }
}

void RowLayout::append_table(std::span<const std::string> fields, Buffer& out) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t width = text_of(columns_[i]).width;
    char* const begin = out.room(fields[i].size() * kEscapedBytes + width + 2);
    char* to = put_escaped(begin, fields[i]);
    if (to == begin && columns_[i] != Column::kComm) *to++ = '-';
    if (i + 1 != columns_.size()) {
      while (static_cast<std::size_t>(to - begin) < width) *to++ = ' ';
      *to++ = ' ';
    } else {
      *to++ = '\n';
    }
    out.end_at(to);
  }
}

void RowLayout::append_csv(std::span<const std::string> fields, Buffer& out) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    char* to = out.room(fields[i].size() * kEscapedBytes + 4);
    // A time before the first row begins with a minus, which is no formula.
    to = columns_[i] == Column::kTime && all_of_number(fields[i]) ? put_text(to, fields[i]) : put_csv_cell(to, fields[i]);
    if (i + 1 != columns_.size()) {
      *to++ = ',';
    } else {
      *to++ = '\r';
      *to++ = '\n';
    }
    out.end_at(to);
  }
}

void RowLayout::append_json(std::span<const std::string> fields, Buffer& out) const {
  constexpr std::size_t kAround = 64;  // two names, quotes, punctuation, null
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string& field = fields[i];
    char* to = out.room(field.size() * (kJsonBytes + 2) + kAround);
    *to++ = i == 0 ? '{' : ',';
    *to++ = '"';
    to = put_text(to, column_name(columns_[i]));
    *to++ = '"';
    *to++ = ':';
    if (field.empty() && columns_[i] != Column::kComm) {
      to = put_text(to, "null");
    } else if (columns_[i] == Column::kInKernel) {
      to = put_text(to, field == "1" ? "true" : "false");
    } else if (is_number(columns_[i]) && all_of_number(field)) {
      to = put_text(to, field);
    } else {
      to = put_json_text(to, column_name(columns_[i]), field);
    }
    if (i + 1 == columns_.size()) to = put_text(to, "}\n");
    out.end_at(to);
  }
}

void ColumnsWriter::begin_batch(const capture::Batch& batch, std::uint64_t origin) {
  batch_ = &batch;
  origin_ = origin;
}

void ColumnsWriter::append_rows(Selection rows, Buffer& out) {
  for (const std::uint32_t row : rows) {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      fields_[i].clear();
      append_field(layout_.columns()[i], *batch_, row, origin_, fields_[i]);
    }
    layout_.append_row(fields_, out);
  }
}

}  // namespace tcpaccept::text
