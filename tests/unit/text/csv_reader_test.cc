#include "text/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpaccept::text {
namespace {

using Records = std::vector<std::vector<std::string>>;

// Hands out `bytes` in pieces of `piece`.
CsvReader::Read pieces(std::string bytes, std::size_t piece) {
  return [bytes = std::move(bytes), piece, at = std::size_t{0}](char* to, std::size_t size) mutable {
    const std::size_t count = std::min({size, piece, bytes.size() - at});
    bytes.copy(to, count, at);
    at += count;
    return count;
  };
}

Records read(const std::string& bytes, bool comments = false, std::size_t piece = 1 << 20) {
  CsvReader reader("x.csv", pieces(bytes, piece));
  reader.allow_comments(comments);
  Records records;
  std::vector<std::string_view> fields;
  while (reader.next(fields)) records.emplace_back(fields.begin(), fields.end());
  EXPECT_FALSE(reader.next(fields)) << "the end stays the end";
  return records;
}

std::string error(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CsvReader, ReadsRecordsOfBothLineEnds) {
  EXPECT_EQ(read("a,b\r\nc,d\ne,f"), (Records{{"a", "b"}, {"c", "d"}, {"e", "f"}}));
  EXPECT_EQ(read(",\r\n"), (Records{{"", ""}}));
  EXPECT_EQ(read("\n\r\na\n\n"), (Records{{"a"}}));
  EXPECT_EQ(read(""), Records{});
  EXPECT_EQ(read("\xef\xbb\xbf" "a\n"), (Records{{"a"}}));
}

TEST(CsvReader, Unquotes) {
  EXPECT_EQ(read("\"a,b\",\"\",\"c\"\"d\"\r\n\"line\nbreak\",x\n"), (Records{{"a,b", "", "c\"d"}, {"line\nbreak", "x"}}));
  EXPECT_EQ(read("\"\"\"\""), (Records{{"\""}}));
}

TEST(CsvReader, PassesOverCommentsWhereTheyAreAllowed) {
  EXPECT_EQ(read("# \"one\na\n#\",\"\nb,#c\n", true), (Records{{"a"}, {"b", "#c"}}));
  EXPECT_EQ(read("#a\n"), (Records{{"#a"}}));
}

TEST(CsvReader, PiecesOfTheInputMakeNoDifference) {
  const std::string csv = "# c\r\na,\"b\r\n,\"\"x\"\r\n\r\nc,d\n";
  for (std::size_t piece = 1; piece < csv.size(); ++piece) EXPECT_EQ(read(csv, true, piece), read(csv, true)) << piece;
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += std::to_string(i) + ",\"x\"\"\"\r\n";
  EXPECT_EQ(read(many, false, 1000), read(many));
  EXPECT_EQ(read(many).back(), (std::vector<std::string>{"49999", "x\""}));
}

TEST(CsvReader, SaysWhereItIsDamaged) {
  EXPECT_EQ(error("a\n\"b\nc\",\"d\" \n"), "x.csv: line 2, column 2: something stands behind the closing quote");
  EXPECT_EQ(error("a\r\nb,c\"d\r\n"), "x.csv: line 2, column 2: a quote stands inside a field that is not quoted");
  EXPECT_EQ(error("a\n\n\"b\nc"), "x.csv: line 3: a quote is not closed");
  EXPECT_THAT(error("a\n" + std::string(70'000, 'b') + "\n"), ::testing::HasSubstr("x.csv: line 2: is longer than 65536 bytes"));
  EXPECT_THAT(error("\"" + std::string(1 << 20, '\n')), ::testing::HasSubstr("x.csv: line 1: is longer than"));
  EXPECT_THAT(error(std::string(64, ',')), ::testing::HasSubstr("has more than 64 fields"));
}

TEST(CsvReader, TellsTheLineARecordBeginsIn) {
  CsvReader reader("x", pieces("a\n\n\"b\n\n\"\nc\n", 3));
  std::vector<std::string_view> fields;
  std::vector<std::uint64_t> lines;
  while (reader.next(fields)) lines.push_back(reader.line());
  EXPECT_THAT(lines, ::testing::ElementsAre(1, 3, 6));
}

}  // namespace
}  // namespace tcpaccept::text
