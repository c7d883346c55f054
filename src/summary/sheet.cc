#include "summary/sheet.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "text/escape.h"

namespace tcpaccept::summary {
namespace {

std::string decimal(double value, int digits) {
  std::array<char, 352> text;  // 1e308 has 309 digits
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(text.size()) - 1))};
}

std::string shown(const Cell& cell) {
  if (!cell.shown.empty()) return cell.shown;
  if (cell.type == Cell::Type::kNothing) return "-";
  return cell.type == Cell::Type::kText ? text::escaped(cell.text) : cell.text;
}

std::string csv_cell(const Cell& cell) {
  if (cell.type != Cell::Type::kText) return cell.text;
  std::string out(cell.text.size() * text::kEscapedBytes + 2, '\0');
  out.resize(static_cast<std::size_t>(text::put_csv_cell(out.data(), cell.text) - out.data()));
  return out;
}

// "name":value, and the bytes of a text that JSON cannot hold.
std::string json_member(std::string_view name, const Cell& cell) {
  std::string out = "\"" + std::string(name) + "\":";
  switch (cell.type) {
    case Cell::Type::kNothing: return out + "null";
    case Cell::Type::kNumber: return out + cell.text;
    case Cell::Type::kBool: return out + (cell.text == "1" ? "true" : "false");
    case Cell::Type::kText: break;
  }
  const std::size_t begin = out.size();
  out.resize(begin + cell.text.size() * text::kJsonBytes + 2);
  const text::JsonString string = text::put_json_string(out.data() + begin, cell.text);
  out.resize(static_cast<std::size_t>(string.end - out.data()));
  if (!string.lossless) {
    std::string hex(cell.text.size() * 2, '\0');
    text::put_hex(hex.data(), cell.text);
    out += ",\"" + std::string(name) + "_hex\":\"" + hex + "\"";
  }
  return out;
}

}  // namespace

Cell number(std::uint64_t value) { return {Cell::Type::kNumber, std::to_string(value)}; }
Cell number(double value, int decimals) { return {Cell::Type::kNumber, decimal(value, decimals), decimal(value, 1)}; }
Cell words(std::string_view bytes, std::string shown) {
  return {Cell::Type::kText, std::string(bytes), std::move(shown)};
}
Cell flag(bool value) { return {Cell::Type::kBool, value ? "1" : "0"}; }

std::string short_time(std::uint64_t microseconds) {
  if (microseconds < 1000) return std::to_string(microseconds) + "us";
  const double value = static_cast<double>(microseconds);
  return microseconds < 1'000'000 ? decimal(value / 1e3, 1) + "ms" : decimal(value / 1e6, 1) + "s";
}

Sheet::Sheet(text::Format format, std::span<const SheetColumn> columns, Emit emit)
    : format_(format), columns_(columns), emit_(std::move(emit)) {
  for (const SheetColumn& column : columns) widths_.push_back(column.heading.size());
}

void Sheet::widen(std::size_t column, std::size_t width) {
  if (widths_[column] != 0) widths_[column] = std::max(widths_[column], width);
}

void Sheet::add(std::vector<Cell> row) {
  if (format_ == text::Format::kTable) {
    for (std::size_t i = 0; i < row.size(); ++i) widen(i, shown(row[i]).size());
  }
  rows_.push_back(std::move(row));
}

void Sheet::header() {
  if (std::exchange(begun_, true) || format_ == text::Format::kJson) return;
  if (format_ == text::Format::kTable) {
    std::vector<std::string> fields;
    for (const SheetColumn& column : columns_) fields.emplace_back(column.heading);
    put_line(fields);
    return;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i != 0) out_ += ',';
    out_ += columns_[i].name;
  }
  out_ += "\r\n";
}

void Sheet::put_line(const std::vector<std::string>& fields) {
  const std::size_t begin = out_.size();
  bool first = true;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (widths_[i] == 0) continue;
    if (!std::exchange(first, false)) out_ += "  ";
    const std::string padding(widths_[i] - std::min(widths_[i], fields[i].size()), ' ');
    out_ += columns_[i].right ? padding + fields[i] : fields[i] + padding;
  }
  while (out_.size() > begin && out_.back() == ' ') out_.pop_back();
  out_ += '\n';
}

void Sheet::put_row(const std::vector<Cell>& row) {
  switch (format_) {
    case text::Format::kTable: {
      std::vector<std::string> fields;
      for (const Cell& cell : row) fields.push_back(shown(cell));
      put_line(fields);
      return;
    }
    case text::Format::kCsv:
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i != 0) out_ += ',';
        out_ += csv_cell(row[i]);
      }
      out_ += "\r\n";
      return;
    case text::Format::kJson:
      for (std::size_t i = 0; i < row.size(); ++i) {
        out_ += i == 0 ? '{' : ',';
        out_ += json_member(columns_[i].name, row[i]);
      }
      out_ += "}\n";
      return;
  }
}

void Sheet::flush() {
  header();
  for (const auto& row : rows_) put_row(row);
  rows_.clear();
  emit_(out_);
  out_.clear();
}

void Sheet::say(std::string_view line) {
  if (format_ != text::Format::kTable) return;
  flush();
  emit_(std::string(line) + "\n");
}

}  // namespace tcpaccept::summary
