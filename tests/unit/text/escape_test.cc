#include "text/escape.h"

#include <gtest/gtest.h>

#include <array>

namespace tcpaccept::text {
namespace {

std::string csv_cell(std::string_view text) {
  std::string cell(text.size() * kEscapedBytes + 2, '\0');
  cell.resize(static_cast<std::size_t>(put_csv_cell(cell.data(), text) - cell.data()));
  return cell;
}

struct Json {
  std::string text;
  bool lossless;
};
Json json(std::string_view text) {
  std::string out(text.size() * kJsonBytes + 2, '\0');
  const JsonString result = put_json_string(out.data(), text);
  out.resize(static_cast<std::size_t>(result.end - out.data()));
  return {out, result.lossless};
}

// What an RFC 4180 reader makes of a cell.
std::string unquoted(std::string cell) {
  if (cell.empty() || cell.front() != '"') return cell;
  std::string text;
  for (std::size_t i = 1; i + 1 < cell.size(); ++i) {
    if (cell[i] == '"') ++i;
    text += cell[i];
  }
  return text;
}

bool printable_ascii(const std::string& text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

TEST(Escape, EveryByteIsPrintableAndLossless) {
  for (int value = 0; value < 256; ++value) {
    const std::string text{'a', static_cast<char>(value), 'b'};
    const std::string shown = escaped(text);
    EXPECT_TRUE(printable_ascii(shown)) << value;
    EXPECT_EQ(unescaped(shown), text) << value;
    const bool plain = value >= 0x20 && value <= 0x7e && value != '\\';
    EXPECT_EQ(shown == text, plain) << value;
  }
  EXPECT_EQ(escaped("a\x1b[2J\\\n\xff"), "a\\x1b[2J\\x5c\\x0a\\xff");
  EXPECT_EQ(escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override, valid UTF-8
}

TEST(Escape, UnescapeRefusesOtherBackslashes) {
  for (const char* text : {"\\", "\\x", "\\x1", "\\xg0", "\\x0g", "\\n", "a\\\\b"}) {
    EXPECT_FALSE(unescaped(text)) << text;
  }
  EXPECT_EQ(unescaped("\\x5C\\x5c"), "\\\\");
}

TEST(CsvCell, EveryPairOfBytesSurvivesAnRfc4180Reader) {
  for (int first = 1; first < 256; ++first) {
    for (int second = 1; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      const std::string cell = csv_cell(text);
      ASSERT_TRUE(printable_ascii(cell));
      ASSERT_EQ(unescaped(unquoted(cell)), text);
      // Not a formula, whatever separator a spreadsheet splits at.
      ASSERT_EQ(std::string("=+-@").find(cell.front()), std::string::npos) << cell;
    }
  }
}

TEST(CsvCell, Quotes) {
  EXPECT_EQ(csv_cell("sshd"), "sshd");
  EXPECT_EQ(csv_cell(""), "");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(csv_cell("\""), "\"\"\"\"");
  EXPECT_EQ(csv_cell("Web Content"), "Web Content");
}

TEST(CsvCell, FormulasAreGuarded) {
  EXPECT_EQ(csv_cell("=1+1"), "\\x3d1+1");
  EXPECT_EQ(csv_cell("@x"), "\\x40x");
  EXPECT_EQ(csv_cell("-x"), "\\x2dx");
  EXPECT_EQ(csv_cell("+x"), "\\x2bx");
  EXPECT_EQ(csv_cell("a;=x"), "a;\\x3dx");
  EXPECT_EQ(csv_cell("a,=x"), "\"a,\\x3dx\"");
  EXPECT_EQ(csv_cell("kworker/0:1-ev"), "kworker/0:1-ev");
}

TEST(JsonString, EscapesAndPassesAscii) {
  EXPECT_EQ(json("sshd").text, "\"sshd\"");
  EXPECT_EQ(json("").text, "\"\"");
  EXPECT_EQ(json("a\"b\\c/").text, "\"a\\\"b\\\\c/\"");
  EXPECT_EQ(json("\x01\n\x1b\x7f").text, "\"\\u0001\\u000a\\u001b\\u007f\"");
}

TEST(JsonString, ValidUtf8BecomesEscapes) {
  EXPECT_EQ(json("\xc3\xa4").text, "\"\\u00e4\"");
  EXPECT_EQ(json("\xe2\x80\xae").text, "\"\\u202e\"");
  EXPECT_EQ(json("\xf0\x9f\x98\x80").text, "\"\\ud83d\\ude00\"");
  EXPECT_EQ(json("\xf4\x8f\xbf\xbf").text, "\"\\udbff\\udfff\"");
  EXPECT_TRUE(json("\xf0\x9f\x98\x80").lossless);
}

TEST(JsonString, InvalidUtf8IsReplacedAndSaid) {
  const std::array<std::string, 9> bad{"\xff",         "\x80",     "\xc3",             "\xc0\x80", "\xe0\x80\x80",
                                       "\xed\xa0\x80", "\xe2\x80", "\xf4\x90\x80\x80", "\xf8\x88"};
  for (const std::string& text : bad) {
    const Json result = json(text);
    EXPECT_FALSE(result.lossless);
    EXPECT_TRUE(printable_ascii(result.text));
    EXPECT_NE(result.text.find("\\ufffd"), std::string::npos);
  }
  EXPECT_EQ(json("a\xffz").text, "\"a\\ufffdz\"");
  EXPECT_EQ(json("\xc3(").text, "\"\\ufffd(\"");
}

TEST(JsonString, NothingButPrintableAsciiForAllPairs) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      ASSERT_TRUE(printable_ascii(json(text).text));
    }
  }
}

TEST(Hex, TwoDigitsPerByte) {
  char out[8];
  const std::string text("\x00\xff\x1a", 3);
  EXPECT_EQ(std::string(out, put_hex(out, text)), "00ff1a");
}

}  // namespace
}  // namespace tcpaccept::text
