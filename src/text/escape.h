// Bytes chosen by others (command names, host names, paths) made harmless and kept lossless.
//
// One rule for tables and CSV: printable ASCII stands for itself, every other byte and the backslash are written
// \xHH (two lower-case hex digits). So no control byte, terminal escape, bidirectional override or invalid UTF-8
// reaches the terminal, and replacing every \xHH by its byte gives the original back. Passing valid UTF-8 through
// was refused: zero-width and right-to-left characters can make one name look like another.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tcpaccept::text {

// Longest output of the put_ functions below per input byte: "\u" and "\ufffd".
inline constexpr std::size_t kEscapedBytes = 4;
inline constexpr std::size_t kJsonBytes = 6;

// Writes at most kEscapedBytes per byte of `text` at `to`, returns one past them.
char* put_escaped(char* to, std::string_view text);
std::string escaped(std::string_view text);

// The inverse: every \xHH becomes its byte. Nothing if a backslash begins anything else.
std::optional<std::string> unescaped(std::string_view text);

// One CSV cell (RFC 4180) of the escaped text: quoted if it holds a comma or a quote. `= + - @` are escaped too
// where a spreadsheet could take them for the start of a formula: at the front and after a comma, a semicolon
// or a quote. Writes at most kEscapedBytes per byte plus two.
char* put_csv_cell(char* to, std::string_view text);

// One JSON string (RFC 8259) with its quotes, pure ASCII: other characters become \uXXXX. Bytes that are not
// valid UTF-8 become \ufffd and the result says so: the caller then adds the bytes in another form. Writes at most
// kJsonBytes per byte plus two.
struct JsonString {
  char* end = nullptr;
  bool lossless = true;
};
JsonString put_json_string(char* to, std::string_view text);

// Two lower-case hex digits per byte.
char* put_hex(char* to, std::string_view text);

}  // namespace tcpaccept::text
