// CSV by RFC 4180, record by record, from anybody: lines end in CRLF or LF, a field that holds a comma, a quote or an
// end of line is quoted, and a quote in it is doubled.
//
// Beyond that: empty lines are passed over, as are lines that begin with # where comments are allowed, and a byte order
// mark in front. A record that breaks the rules, or is longer than kMaxRecord bytes, is an Error that names its line;
// nothing is skipped. Memory is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tcpaccept::text {

class CsvReader {
 public:
  static constexpr std::size_t kMaxRecord = std::size_t{64} << 10;
  static constexpr std::size_t kMaxFields = 64;

  // Fills `to` with up to `size` bytes and returns how many; 0 = the end. May throw.
  using Read = std::function<std::size_t(char* to, std::size_t size)>;

  // `name`: of the input, for messages; printable.
  CsvReader(std::string name, Read read) : CsvReader(std::move(name), 1, std::move(read)) {}
  // `first`: the number of the line that is read first.
  CsvReader(std::string name, std::uint64_t first, Read read)
      : name_(std::move(name)), read_(std::move(read)), next_line_(first) {}

  void allow_comments(bool allowed) { comments_ = allowed; }

  // The fields of the next record, unquoted, valid until the next call; false at the end. Throws Error.
  bool next(std::vector<std::string_view>& fields);
  // The line in which the record read last begins, counted from 1.
  std::uint64_t line() const { return line_; }
  // "NAME: line 7: WHAT".
  Error error(std::string_view what) const;
  // "NAME: line 7, column 2: WHAT"; `column` is counted from 1.
  Error error(std::size_t column, std::string_view what) const;

 private:
  bool fill();
  bool find_end(std::size_t& end);
  void split(char* from, char* end, std::vector<std::string_view>& fields) const;

  std::string name_;
  Read read_;
  bool comments_ = false;
  bool at_end_ = false;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what was read and not handed out, in the buffer
  std::size_t size_ = 0;   // of the buffer, filled so far
  std::uint64_t line_ = 0;
  std::uint64_t next_line_;
  bool begun_ = false;
};

}  // namespace tcpaccept::text
