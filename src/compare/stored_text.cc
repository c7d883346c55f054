#include "compare/stored_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "text/escape.h"

namespace tcpaccept::compare {
namespace {

using text::Column;

constexpr std::size_t kReadAtATime = 16 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr const char* kWrongEscape = "has a backslash that does not begin \\xHH";

// What a stored text can be, for messages.
constexpr const char* kForms =
    "neither a capture nor a text that tcpaccept-report wrote, which is a table, CSV, or JSON with an object on each "
    "line";

constexpr std::size_t index(Column column) { return static_cast<std::size_t>(column); }

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  for (std::size_t at = line.find_first_not_of(' '); at != std::string_view::npos; at = line.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    result.push_back(line.substr(at, end - at));
    at = end;
  }
  return result;
}

// Fields of a row that lost one stand in the wrong columns.
bool plausible(Column column, std::string_view field) {
  const auto numbered = [&](char name) {
    if (field.starts_with(name)) field.remove_prefix(1);
    return !field.empty() && field.find_first_not_of("0123456789") == std::string_view::npos;
  };
  switch (column) {
    case Column::kRaddr:
    case Column::kSaddr: return parse_address(field).has_value() || (field.starts_with('A') && numbered('A'));
    case Column::kPid: return numbered('P');
    case Column::kTid: return numbered('T');
    case Column::kNspid: return numbered('N');
    case Column::kNetns: return numbered('S');
    case Column::kCgroup: return numbered('G');
    case Column::kRport: return numbered('E');
    case Column::kSport: return numbered('L');
    case Column::kTime: return field.find_first_not_of("+-.0123456789") == std::string_view::npos;
    case Column::kTimeNs:
    case Column::kFamily:
    case Column::kBacklog:
    case Column::kInKernel:
    case Column::kCpu:
    case Column::kWaitUs:
    case Column::kAhead:
    case Column::kRttUs:
    case Column::kLeft: return field.find_first_not_of("0123456789") == std::string_view::npos;
    case Column::kWallTime:
    case Column::kComm:
    case Column::kSocketFamily:
    case Column::kProtocol:
    case Column::kCgroupPath: return true;
  }
  return true;
}

// The field as tcpaccept-report writes it: an address has several forms. False: it can be none of the column's.
bool settle(Column column, std::string& field) {
  if (field.empty()) return true;
  if (!plausible(column, field)) return false;
  if (column != Column::kRaddr && column != Column::kSaddr) return true;
  if (const auto address = parse_address(field)) field = to_string(*address);
  return true;
}

std::string not_of(Column column, std::string_view field) {
  return "has " + text::escaped(field) + " for " + std::string(text::column_name(column));
}

// One object of names and values, no deeper.
class JsonRow final : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonRow(std::vector<std::string>& fields, std::uint32_t& has) : fields_(fields), has_(has) {}

  // Why a row is none, where that is not plain.
  const std::string& why() const { return why_; }

  bool null() override { return take({}); }
  bool boolean(bool value) override { return take(value ? "1" : "0"); }
  bool number_integer(number_integer_t value) override { return take(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return take(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return take(text); }
  bool string(string_t& value) override { return take(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return depth_++ == 0; }
  bool key(string_t& name) override {
    hex_ = name.ends_with("_hex");
    if (hex_) name.resize(name.size() - 4);
    column_ = text::column_named(name);
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return false; }
  bool end_array() override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool take(std::string value) {
    if (depth_ != 1) return false;  // a bare value is no row
    if (!column_) return true;
    const std::uint32_t bit = std::uint32_t{1} << index(*column_);
    std::uint32_t& seen = hex_ ? seen_hex_ : seen_;
    if ((seen & bit) != 0) {
      why_ = "has " + std::string(text::column_name(*column_)) + (hex_ ? "_hex" : "") + " twice";
      return false;
    }
    seen |= bit;
    if (hex_) {
      std::string escaped;
      for (std::size_t i = 0; i + 1 < value.size(); i += 2) escaped += "\\x" + value.substr(i, 2);
      const auto bytes = text::unescaped(escaped);
      if (!bytes) return false;
      value = *bytes;
    }
    fields_[index(*column_)] = std::move(value);
    has_ |= bit;
    return true;
  }

  std::vector<std::string>& fields_;
  std::uint32_t& has_;
  std::uint32_t seen_ = 0;  // a bit for each column
  std::uint32_t seen_hex_ = 0;
  std::string why_;
  std::optional<Column> column_;
  bool hex_ = false;
  int depth_ = 0;
};

}  // namespace

StoredText::StoredText(Read read, std::string name) : read_(std::move(read)), name_(std::move(name)) {}

bool StoredText::has(Column column) const { return (has_ >> index(column) & 1) != 0; }

void StoredText::refuse(const std::string& why) const {
  throw Error(name_ + ": line " + std::to_string(number_) + " " + why);
}

bool StoredText::next_line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_);
    if (end != std::string::npos || (at_end_ && begin_ < buffer_.size())) {
      const std::size_t stop = std::min(end, buffer_.size());
      line_ = std::string_view(buffer_).substr(begin_, stop - begin_);
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      begin_ = std::min(stop + 1, buffer_.size());
      if (++number_ == 1 && line_.starts_with(kByteOrderMark)) line_.remove_prefix(kByteOrderMark.size());
      if (line_.empty()) continue;
      return true;
    }
    if (at_end_) return false;
    buffer_.erase(0, begin_);
    begin_ = 0;
    if (buffer_.size() > kMaxLine) {
      ++number_;
      refuse("is longer than " + std::to_string(kMaxLine) + " bytes; this is no text of tcpaccept-report");
    }
    const std::size_t size = buffer_.size();
    buffer_.resize(size + kReadAtATime);
    const std::size_t got = read_({buffer_.data() + size, kReadAtATime});
    buffer_.resize(size + got);
    at_end_ = got == 0;
  }
}

void StoredText::read_header() {
  do {
    if (!next_line()) {
      kind_ = Kind::kEmpty;
      return;
    }
  } while (line_.starts_with('#'));
  if (line_.starts_with('{')) {
    kind_ = Kind::kJson;
    json_waits_ = true;
    return;
  }
  if (line_.starts_with('[')) refuse(std::string("begins a JSON array: ") + kForms);
  const std::string_view first = line_.substr(0, line_.find(','));
  kind_ = first.size() != line_.size() || text::column_named(first) ? Kind::kCsv : Kind::kTable;
  if (kind_ == Kind::kCsv) {
    begin_csv();
  } else {
    for (const std::string_view heading : words(line_)) header_.push_back(text::column_headed(heading));
  }
  for (const auto& column : header_) {
    if (!column) continue;
    if (has(*column)) refuse("names " + std::string(text::column_name(*column)) + " twice");
    has_ |= std::uint32_t{1} << index(*column);
  }
  if (has_ == 0) refuse(std::string("does not name columns: ") + kForms);
}

std::string StoredText::plain(std::string_view escaped) const {
  const auto bytes = text::unescaped(escaped);
  if (!bytes) refuse(kWrongEscape);
  return *bytes;
}

// From the first line on.
void StoredText::begin_csv() {
  const auto line = static_cast<std::size_t>(line_.data() - buffer_.data());
  csv_.emplace(name_, number_, [this, at = line](char* to, std::size_t size) mutable -> std::size_t {
    const std::size_t count = std::min(size, buffer_.size() - at);
    if (count == 0) return read_({to, size});
    std::copy_n(buffer_.data() + at, count, to);
    at += count;
    return count;
  });
  std::vector<std::string_view> names;
  csv_->next(names);
  for (const std::string_view name : names) header_.push_back(text::column_named(name));
  names_.assign(names.begin(), names.end());
  // Names and paths may begin with anything.
  csv_->allow_comments(header_.front() != Column::kComm && header_.front() != Column::kCgroupPath);
}

bool StoredText::next_csv(std::vector<std::string>& fields) {
  std::vector<std::string_view> cells;
  if (!csv_->next(cells)) return false;
  // A single one may well be that of a command named comm.
  if (cells.size() > 1 && std::equal(cells.begin(), cells.end(), names_.begin(), names_.end())) {
    throw csv_->error("names the columns again: this is more than one text");
  }
  if (cells.size() != header_.size()) {
    throw csv_->error("has " + std::to_string(cells.size()) + " cells, the first line " +
                      std::to_string(header_.size()));
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!header_[i]) continue;
    const auto bytes = text::unescaped(cells[i]);
    if (!bytes) throw csv_->error(i + 1, kWrongEscape);
    std::string& field = fields[index(*header_[i])] = *bytes;
    if (!settle(*header_[i], field)) throw csv_->error(i + 1, not_of(*header_[i], field));
  }
  return true;
}

// A name may hold spaces, or be empty: what stands before it is found from the left, what stands behind from the right.
void StoredText::parse_table(std::vector<std::string>& fields) {
  const std::vector<std::string_view> parts = words(line_);
  const auto name = std::find_if(header_.begin(), header_.end(), [](const auto& column) {
    return column == Column::kComm || column == Column::kCgroupPath;
  });
  const auto front = static_cast<std::size_t>(name - header_.begin());
  const std::size_t back = header_.size() - std::min(header_.size(), front + 1);
  if (parts.size() != header_.size() && (name == header_.end() || parts.size() < front + back)) {
    refuse("has " + std::to_string(parts.size()) + " fields, the first line " + std::to_string(header_.size()));
  }
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (!header_[i]) continue;
    std::string_view field;
    if (parts.size() == header_.size() || i < front) {
      field = parts[i];
    } else if (i > front) {
      field = parts[parts.size() - (header_.size() - i)];
    } else if (parts.size() > front + back) {
      const std::string_view last = parts[parts.size() - back - 1];
      field = {parts[front].data(), static_cast<std::size_t>(last.data() + last.size() - parts[front].data())};
    }
    if (field == "-" && header_[i] != Column::kComm) field = {};
    std::string& bytes = fields[index(*header_[i])] = plain(field);
    if (!settle(*header_[i], bytes)) refuse(not_of(*header_[i], bytes));
  }
}

void StoredText::parse_json(std::vector<std::string>& fields) {
  JsonRow row(fields, has_);
  if (!nlohmann::json::sax_parse(line_.begin(), line_.end(), &row)) {
    refuse(row.why().empty() ? "is no JSON object of plain values" : row.why());
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!settle(static_cast<Column>(i), fields[i])) refuse(not_of(static_cast<Column>(i), fields[i]));
  }
}

bool StoredText::next(std::vector<std::string>& fields) {
  if (!kind_) read_header();
  if (kind_ == Kind::kEmpty) return false;
  fields.assign(text::kColumnCount, {});
  if (kind_ == Kind::kCsv) return next_csv(fields);
  if (json_waits_) {
    json_waits_ = false;
  } else if (!next_line()) {
    return false;
  }
  if (kind_ == Kind::kTable) {
    parse_table(fields);
  } else {
    parse_json(fields);
  }
  return true;
}

}  // namespace tcpaccept::compare
