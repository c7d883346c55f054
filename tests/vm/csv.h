// CSV as RFC 4180 says, with a header row. Strict: what the RFC does not allow is an error, because the product's output is judged here.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tcpaccept::vm {

class CsvTable {
 public:
  // Parses the whole text; throws std::runtime_error naming the line on a broken quote, a missing header, a row with another number of
  // fields than the header, or a last line without end.
  explicit CsvTable(std::string_view text);

  std::size_t rows() const { return rows_.size(); }
  bool has(const std::string& column) const { return columns_.contains(column); }
  // Throws std::runtime_error when there is no such column.
  const std::string& at(std::size_t row, const std::string& column) const;

 private:
  std::map<std::string, std::size_t> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tcpaccept::vm
