// A few rows of figures as an aligned table, as CSV or as JSON, one object a line: what every summary is written with.
//
// CSV and JSON follow the rules of rows (README, "Reporting"): CRLF, empty or null where there is nothing, hostile bytes
// escaped. All values of a column are of one type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/buffer.h"
#include "text/row_writer.h"

namespace tcpaccept::summary {

// Takes text for the output, in pieces.
using Emit = std::function<void(std::string_view)>;

struct Cell {
  enum class Type { kNothing, kNumber, kText, kBool };

  Type type = Type::kNothing;
  std::string text{};   // of CSV and JSON; of a text its bytes, whatever they are
  std::string shown{};  // in the table, printable; "" = `text`, escaped
};
Cell number(std::uint64_t value);
// With so many decimals; in the table with one.
Cell number(double value, int decimals);
Cell words(std::string_view bytes, std::string shown = {});
Cell flag(bool value);

struct SheetColumn {
  std::string_view name;          // in CSV and JSON
  std::string_view heading = {};  // in the table; "" = not there
  bool right = false;             // in the table
};

class Sheet {
 public:
  // `columns` are borrowed.
  Sheet(text::Format format, std::span<const SheetColumn> columns, Emit emit);
  Sheet(const Sheet&) = delete;
  Sheet& operator=(const Sheet&) = delete;

  text::Format format() const { return format_; }
  // At least so wide in the table.
  void widen(std::size_t column, std::size_t width);
  // Not in the table.
  void hide(std::size_t column) { widths_[column] = 0; }

  // A cell for each column. Rows are held until flush(), as columns of the table get as wide as their longest cell.
  void add(std::vector<Cell> row);
  void flush();
  // A line of text behind the table; nothing elsewhere.
  void say(std::string_view line);

 private:
  void header();
  void put_row(const std::vector<Cell>& row);
  void put_line(const std::vector<std::string>& fields);

  text::Format format_;
  std::span<const SheetColumn> columns_;
  Emit emit_;
  std::vector<std::size_t> widths_;  // 0 = hidden
  std::vector<std::vector<Cell>> rows_;
  bool begun_ = false;
  std::string out_;
};

// "40us", "1.2ms", "3.5s".
std::string short_time(std::uint64_t microseconds);

}  // namespace tcpaccept::summary
