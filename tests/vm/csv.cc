#include "csv.h"

#include <stdexcept>
#include <utility>

namespace tcpaccept::vm {

namespace {

[[noreturn]] void fail(std::size_t line, const std::string& what) {
  throw std::runtime_error("CSV line " + std::to_string(line) + ": " + what);
}

}  // namespace

CsvTable::CsvTable(std::string_view text) {
  std::vector<std::string> fields;
  std::string field;
  std::size_t line = 1;
  bool quoted = false;      // inside quotes
  bool was_quoted = false;  // the field began with a quote, which has been closed
  const auto end_row = [&] {
    fields.push_back(std::exchange(field, {}));
    if (columns_.empty()) {
      for (std::size_t i = 0; i < fields.size(); ++i) columns_[fields[i]] = i;
    } else {
      if (fields.size() != columns_.size()) {
        fail(line, std::to_string(fields.size()) + " fields where the header has " + std::to_string(columns_.size()));
      }
      rows_.push_back(fields);
    }
    fields.clear();
    was_quoted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\n') ++line;
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        quoted = false;
        was_quoted = true;
      }
    } else if (c == ',') {
      fields.push_back(std::exchange(field, {}));
      was_quoted = false;
    } else if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {
      if (c == '\r') ++i;
      end_row();
      ++line;
    } else if (c == '"' && field.empty() && !was_quoted) {
      quoted = true;
    } else if (c == '"' || c == '\r' || was_quoted) {
      fail(line, "a quote or line end where none may be");
    } else {
      field += c;
    }
  }
  if (quoted) fail(line, "a quote is not closed");
  if (!field.empty() || !fields.empty()) fail(line, "the last line has no end");
  if (columns_.empty()) fail(line, "no header");
}

const std::string& CsvTable::at(std::size_t row, const std::string& column) const {
  const auto found = columns_.find(column);
  if (found == columns_.end()) throw std::runtime_error("no column " + column);
  return rows_.at(row).at(found->second);
}

}  // namespace tcpaccept::vm
