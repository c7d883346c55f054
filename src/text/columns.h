// Rows with columns of the user's choice (--columns), field by field: the names of all columns, the text of each field,
// and how fields become a row of the table, of CSV or of JSON.
//
// An order of magnitude slower than the writers of the fixed forms, which is still far beyond what a person reads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/row_writer.h"

namespace tcpaccept::text {

// Everything a row can show. csv_writer.h says what each means; kTime is relative to the first row shown.
enum class Column : std::uint8_t {
  kTime,
  kTimeNs,
  kWallTime,
  kRaddr,
  kRport,
  kPid,
  kComm,
  kSaddr,
  kSport,
  kFamily,
  kSocketFamily,
  kProtocol,
  kNetns,
  kCgroup,
  kBacklog,
  kInKernel,
  kTid,
  kCpu,
  kWaitUs,
  kAhead,
  kRttUs,
  kLeft,
  kNspid,
  kCgroupPath,
};
inline constexpr std::size_t kColumnCount = 24;

// By its name in CSV ("wait_us"), or "time".
std::optional<Column> column_named(std::string_view name);
std::string_view column_name(Column column);
// By its heading in the table ("WAIT(us)").
std::optional<Column> column_headed(std::string_view heading);

// Those of the classic table, and all of CSV and JSON in their order.
std::span<const Column> table_columns();
std::span<const Column> csv_columns();

// The event columns of a batch that the fields are made of.
capture::Columns columns_for(std::span<const Column> columns);

// Appends the bytes of one field as they are: a command name or a path may hold anything. Nothing = not recorded.
// `origin`: as in RowWriter::begin_batch().
void append_field(Column column, const capture::Batch& batch, std::size_t row, std::uint64_t origin, std::string& to);

// Rows of fields as text. Whatever the bytes are, they come out harmless (escape.h).
class RowLayout {
 public:
  RowLayout(Format format, std::vector<Column> columns) : format_(format), columns_(std::move(columns)) {}

  const std::vector<Column>& columns() const { return columns_; }
  void append_header(Buffer& out) const;
  // As many fields as there are columns. One that was not recorded is "-" in the table, empty in CSV, null in JSON.
  void append_row(std::span<const std::string> fields, Buffer& out) const;

 private:
  void append_table(std::span<const std::string> fields, Buffer& out) const;
  void append_csv(std::span<const std::string> fields, Buffer& out) const;
  void append_json(std::span<const std::string> fields, Buffer& out) const;

  Format format_;
  std::vector<Column> columns_;
};

class ColumnsWriter final : public RowWriter {
 public:
  ColumnsWriter(Format format, std::vector<Column> columns)
      : layout_(format, std::move(columns)), fields_(layout_.columns().size()) {}

  capture::Columns columns() const override { return columns_for(layout_.columns()); }
  void append_header(Buffer& out) const override { layout_.append_header(out); }
  void begin_batch(const capture::Batch& batch, std::uint64_t origin) override;
  void append_rows(Selection rows, Buffer& out) override;

 private:
  RowLayout layout_;
  std::vector<std::string> fields_;  // of the row at hand
  const capture::Batch* batch_ = nullptr;
  std::uint64_t origin_ = 0;
};

}  // namespace tcpaccept::text
