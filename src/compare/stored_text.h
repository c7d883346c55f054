// Reads back what tcpaccept-report wrote: the table, CSV or JSON, canonical or not.
//
// A stranger's text like any capture: lines are bounded, and what is not such a text is refused with the number of its
// line. Columns that are not known are passed over: they may be of a later version; so is a byte order mark in front. A
// text of nothing is JSON without rows: the other forms have a header. Of a CSV, as of a fixture for --from-csv, lines
// that begin with # are passed over (text/csv_accepts.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/columns.h"
#include "text/csv_reader.h"

namespace tcpaccept::compare {

class StoredText {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{64} << 10;

  // Bytes of the text into the buffer; 0 = the end. Throws Error.
  using Read = std::function<std::size_t(std::span<char>)>;

  // `name` is for messages, safe to print.
  StoredText(Read read, std::string name);
  StoredText(const StoredText&) = delete;
  StoredText& operator=(const StoredText&) = delete;

  // Columns that it has. After the first next() for JSON, which names them in every row.
  bool has(text::Column column) const;
  // The next row; false at the end. Fields have the order of the enumeration; those there are none of are empty. Throws Error.
  bool next(std::vector<std::string>& fields);

 private:
  enum class Kind { kEmpty, kTable, kCsv, kJson };

  bool next_line();
  void read_header();
  void begin_csv();
  bool next_csv(std::vector<std::string>& fields);
  void parse_table(std::vector<std::string>& fields);
  void parse_json(std::vector<std::string>& fields);
  std::string plain(std::string_view escaped) const;
  [[noreturn]] void refuse(const std::string& why) const;

  Read read_;
  std::string name_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what is not yet taken from buffer_
  bool at_end_ = false;
  std::string_view line_;
  std::uint64_t number_ = 0;  // of line_, from 1
  std::optional<text::CsvReader> csv_;  // reads on from the first line

  std::optional<Kind> kind_;
  bool json_waits_ = false;  // the first line is a row
  std::vector<std::optional<text::Column>> header_;
  std::vector<std::string> names_;  // of a CSV's columns, as they stand there
  std::uint32_t has_ = 0;  // a bit for each column
};

}  // namespace tcpaccept::compare
