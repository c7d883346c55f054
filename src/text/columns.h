// The table or CSV with columns of the user's choice (--columns), and the names of all columns.
//
// One row at a time and field by field: an order of magnitude slower than the writers of the fixed forms, which is
// still far beyond what a person reads.
#pragma once

#include <cstdint>
#include <optional>
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

// By its name in CSV ("wait_us"), or "time".
std::optional<Column> column_named(std::string_view name);

class ColumnsWriter final : public RowWriter {
 public:
  // In the table a field that was not recorded is "-", in CSV it is empty.
  ColumnsWriter(std::vector<Column> columns, bool csv) : columns_(std::move(columns)), csv_(csv) {}

  capture::Columns columns() const override;
  void append_header(Buffer& out) const override;
  void begin_batch(const capture::Batch& batch, std::uint64_t origin) override;
  void append_rows(Selection rows, Buffer& out) override;

 private:
  char* put_field(char* to, Column column, std::size_t row) const;

  std::vector<Column> columns_;
  bool csv_;
  const capture::Batch* batch_ = nullptr;
  std::uint64_t origin_ = 0;
};

}  // namespace tcpaccept::text
