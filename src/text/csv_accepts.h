// Accepts from CSV: what csv_writer.h writes, or a person.
//
// The first record names the columns (csv_writer.h), in any order. raddr, rport, saddr, sport and one of time_ns and
// wall_time have to be there; what is not, is as follows:
//   time_ns        the wall time, and the other way round: nanoseconds since 1970 either way
//   pid, comm      0 and ""
//   socket_family  inet or inet6, by saddr
//   protocol       tcp
//   in_kernel      0
//   others         not recorded
// An empty field is not recorded, whatever the column; in a column that always has a value it stands for what is said
// above. Names and paths are escaped (escape.h). Rows keep their order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/accept.h"
#include "text/columns.h"
#include "text/csv_reader.h"

namespace tcpaccept::text {

struct CsvAccept {
  Accept accept;
  std::int64_t wall = 0;    // nanoseconds since 1970
  std::string cgroup_path;  // bytes; "" = not recorded
};

class CsvAccepts {
 public:
  // As CsvReader. Nothing is read yet.
  CsvAccepts(std::string name, CsvReader::Read read) : reader_(std::move(name), std::move(read)) {}

  // Call once, first. Throws Error.
  void read_header();
  // False at the end. Throws Error, which names line and column, for whatever is wrong.
  bool next(CsvAccept& row);

 private:
  bool has(Column column) const;
  void set(Column column, std::string_view text, CsvAccept& row);
  template <typename T>
  T number(std::string_view text, std::uint64_t most, const char* what) const;
  std::string bytes(std::string_view text) const;
  Error wrong(std::string_view text, std::string_view what) const;

  CsvReader reader_;
  std::vector<Column> columns_;
  std::vector<std::string_view> fields_;
  std::size_t at_ = 0;  // the field at hand
};

}  // namespace tcpaccept::text
