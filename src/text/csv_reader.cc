#include "text/csv_reader.h"

#include <algorithm>
#include <cstring>

namespace tcpaccept::text {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

Error CsvReader::error(std::string_view what) const {
  return Error(name_ + ": line " + std::to_string(line_) + ": " + std::string(what));
}

Error CsvReader::error(std::size_t column, std::string_view what) const {
  return Error(name_ + ": line " + std::to_string(line_) + ", column " + std::to_string(column) + ": " +
               std::string(what));
}

// More bytes behind those there are; false at the end. Throws if the record that is there does not end.
bool CsvReader::fill() {
  if (at_end_) return false;
  if (begin_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.begin() + static_cast<std::ptrdiff_t>(size_),
              buffer_.begin());
    size_ -= begin_;
    begin_ = 0;
  }
  if (size_ > kMaxRecord) {
    throw error("is longer than " + std::to_string(kMaxRecord) + " bytes; is a closing quote missing?");
  }
  buffer_.resize(2 * kMaxRecord);
  const std::size_t count = read_(buffer_.data() + size_, buffer_.size() - size_);
  size_ += count;
  at_end_ = count == 0;
  return !at_end_;
}

// The place of the line feed that ends the record at begin_, or of the end of the input. False: there is nothing.
bool CsvReader::find_end(std::size_t& end) {
  // A quote counts where a field begins and in a quoted field; one that stands elsewhere is for split() to find.
  enum class At { kFieldBegin, kBare, kQuoted, kQuoteInQuoted, kComment } at = At::kFieldBegin;
  std::size_t seen = 0;  // behind begin_, which moves
  for (;;) {
    for (; begin_ + seen < size_; ++seen) {
      const char c = buffer_[begin_ + seen];
      if (c == '\n') {
        ++next_line_;
        if (at != At::kQuoted) {
          end = begin_ + seen;
          return true;
        }
      } else if (at == At::kComment || (seen == 0 && c == '#' && comments_)) {
        at = At::kComment;
      } else if (at == At::kQuoted) {
        if (c == '"') at = At::kQuoteInQuoted;
      } else if (c == '"' && at != At::kBare) {
        at = At::kQuoted;
      } else {
        at = c == ',' ? At::kFieldBegin : At::kBare;
      }
    }
    if (!fill()) break;
  }
  if (at == At::kQuoted) throw error("a quote is not closed");
  end = size_;
  return begin_ < size_;
}

bool CsvReader::next(std::vector<std::string_view>& fields) {
  for (;;) {
    line_ = next_line_;
    if (!begun_) {
      begun_ = true;
      while (size_ < kByteOrderMark.size() && fill()) {
      }
      if (std::string_view(buffer_.data(), size_).starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
    }
    std::size_t end = 0;
    if (!find_end(end)) return false;
    char* const from = buffer_.data() + begin_;
    char* to = buffer_.data() + end;
    begin_ = std::min(end + 1, size_);
    if (to != from && to[-1] == '\r') --to;
    if (to == from || (comments_ && *from == '#')) continue;
    if (static_cast<std::size_t>(to - from) > kMaxRecord) {
      throw error("is longer than " + std::to_string(kMaxRecord) + " bytes; is a closing quote missing?");
    }
    split(from, to, fields);
    return true;
  }
}

// Quoted fields are unquoted where they are.
void CsvReader::split(char* from, char* end, std::vector<std::string_view>& fields) const {
  fields.clear();
  for (;;) {
    const std::size_t column = fields.size() + 1;
    if (column > kMaxFields) throw error("has more than " + std::to_string(kMaxFields) + " fields");
    char* const begin = from;
    char* to = from;
    if (from != end && *from == '"') {
      for (++from;; ++from) {
        if (from == end) throw error(column, "a quote is not closed");
        if (*from == '"' && (++from == end || *from != '"')) break;
        *to++ = *from;
      }
      if (from != end && *from != ',') throw error(column, "something stands behind the closing quote");
    } else {
      to = from = std::find(from, end, ',');
      if (std::find(begin, to, '"') != to) throw error(column, "a quote stands inside a field that is not quoted");
    }
    fields.emplace_back(begin, static_cast<std::size_t>(to - begin));
    if (from == end) return;
    ++from;
  }
}

}  // namespace tcpaccept::text
