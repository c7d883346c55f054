#include "text/escape.h"

#include <cstdint>

namespace tcpaccept::text {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_plain(char c) { return c >= 0x20 && c <= 0x7e && c != '\\'; }

char* put_hex_byte(char* to, unsigned char byte) {
  to[0] = kHex[byte >> 4];
  to[1] = kHex[byte & 15];
  return to + 2;
}

char* put_backslash_x(char* to, char c) {
  *to++ = '\\';
  *to++ = 'x';
  return put_hex_byte(to, static_cast<unsigned char>(c));
}

char* put_utf16_unit(char* to, std::uint32_t unit) {
  *to++ = '\\';
  *to++ = 'u';
  to = put_hex_byte(to, static_cast<unsigned char>(unit >> 8));
  return put_hex_byte(to, static_cast<unsigned char>(unit & 0xff));
}

bool starts_formula(char c) { return c == '=' || c == '+' || c == '-' || c == '@'; }
bool may_end_cell(char c) { return c == ',' || c == ';' || c == '"'; }

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;  // bytes it takes; 0 = not valid UTF-8
};

// The code point at the front of a non-empty text, as RFC 3629 allows: shortest form, no surrogates.
CodePoint first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  std::uint32_t value = 0;
  std::uint32_t smallest = 0;
  if ((lead & 0xe0u) == 0xc0) {
    length = 2;
    value = lead & 0x1fu;
    smallest = 0x80;
  } else if ((lead & 0xf0u) == 0xe0) {
    length = 3;
    value = lead & 0x0fu;
    smallest = 0x800;
  } else if ((lead & 0xf8u) == 0xf0) {
    length = 4;
    value = lead & 0x07u;
    smallest = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

char* put_escaped(char* to, std::string_view text) {
  for (const char c : text) {
    if (is_plain(c)) {
      *to++ = c;
    } else {
      to = put_backslash_x(to, c);
    }
  }
  return to;
}

std::string escaped(std::string_view text) {
  std::string result(text.size() * kEscapedBytes, '\0');
  result.resize(static_cast<std::size_t>(put_escaped(result.data(), text) - result.data()));
  return result;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (text.front() != '\\') {
      result += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 4 || text[1] != 'x' || hex_value(text[2]) < 0 || hex_value(text[3]) < 0) return std::nullopt;
    result += static_cast<char>(hex_value(text[2]) * 16 + hex_value(text[3]));
    text.remove_prefix(4);
  }
  return result;
}

char* put_csv_cell(char* to, std::string_view text) {
  const bool quoted = text.find_first_of(",\"") != std::string_view::npos;
  if (quoted) *to++ = '"';
  bool guarded = true;
  for (const char c : text) {
    if (!is_plain(c) || (guarded && starts_formula(c))) {
      to = put_backslash_x(to, c);
    } else {
      if (c == '"') *to++ = '"';
      *to++ = c;
    }
    guarded = may_end_cell(c);
  }
  if (quoted) *to++ = '"';
  return to;
}

JsonString put_json_string(char* to, std::string_view text) {
  JsonString result;
  *to++ = '"';
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.length == 0) {
      to = put_utf16_unit(to, 0xfffd);
      result.lossless = false;
      text.remove_prefix(1);
      continue;
    }
    if (point.value >= 0x10000) {
      to = put_utf16_unit(to, 0xd800 + ((point.value - 0x10000) >> 10));
      to = put_utf16_unit(to, 0xdc00 + ((point.value - 0x10000) & 0x3ff));
    } else if (point.value < 0x20 || point.value >= 0x7f) {
      to = put_utf16_unit(to, point.value);
    } else {
      if (point.value == '"' || point.value == '\\') *to++ = '\\';
      *to++ = text.front();
    }
    text.remove_prefix(point.length);
  }
  *to++ = '"';
  result.end = to;
  return result;
}

char* put_hex(char* to, std::string_view text) {
  for (const char c : text) to = put_hex_byte(to, static_cast<unsigned char>(c));
  return to;
}

}  // namespace tcpaccept::text
