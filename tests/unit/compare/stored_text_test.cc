#include "compare/stored_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"

namespace tcpaccept::compare {
namespace {

using text::Column;

StoredText stored(std::string text, std::size_t at_a_time = 1000) {
  return {[text = std::move(text), at_a_time, at = std::size_t{0}](std::span<char> to) mutable {
            const std::size_t count = std::min({at_a_time, to.size(), text.size() - at});
            std::copy_n(text.data() + at, count, to.data());
            at += count;
            return count;
          },
          "old.txt"};
}

// "comm raddr sport" of each row.
std::vector<std::string> rows(const std::string& text, std::size_t at_a_time = 1000) {
  StoredText reader = stored(text, at_a_time);
  std::vector<std::string> result, fields;
  const auto of = [&](Column column) { return fields[static_cast<std::size_t>(column)]; };
  while (reader.next(fields)) result.push_back(of(Column::kComm) + "|" + of(Column::kRaddr) + "|" + of(Column::kSport));
  return result;
}

std::string why(const std::string& text) {
  try {
    rows(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

using Rows = std::vector<std::string>;

TEST(StoredText, ATable) {
  const std::string table =
      "PID      COMM         RADDR                RPORT  SADDR                SPORT\n"
      "P1       sshd         192.168.60.1         E1     192.168.60.170       22\n"
      "30891    two words    fd00::1              7      fd00::2              5201\n"
      "7                     fd00::1              7      fd00::2              443\n"
      "7        \\x1b\\x5c      fd00::1              7      fd00::2              443\n";
  const Rows expected{"sshd|192.168.60.1|22", "two words|fd00::1|5201", "|fd00::1|443", "\x1b\\|fd00::1|443"};
  EXPECT_EQ(rows(table), expected);
  EXPECT_EQ(rows(table, 1), expected);
}

TEST(StoredText, ATableWhereADashIsNotRecorded) {
  EXPECT_EQ(rows("TIME(s)      SPORT COMM RADDR\n+0.000 - - -\n"), (Rows{"-||"}));
}

TEST(StoredText, Csv) {
  EXPECT_EQ(rows("raddr,unheard_of,sport,comm\r\n10.0.0.1,x,22,\"a,\"\"b\\x0a\"\r\nfd00::1,,443,"),
            (Rows{"a,\"b\n|10.0.0.1|22", "|fd00::1|443"}));
}

TEST(StoredText, Json) {
  EXPECT_EQ(rows("{\"raddr\":\"10.0.0.1\",\"sport\":22,\"comm\":\"a\\u000a\",\"pid\":\"P1\",\"later\":true}\n"
                 "{\"raddr\":\"fd00::1\",\"sport\":null,\"comm\":\"x\\ufffd\",\"comm_hex\":\"78ff\"}\n"),
            (Rows{"a\n|10.0.0.1|22", "x\xff|fd00::1|"}));
}

TEST(StoredText, NothingIsNoRow) {
  EXPECT_EQ(rows(""), Rows{});
  EXPECT_EQ(rows("\n\r\n"), Rows{});
  EXPECT_EQ(rows("PID COMM RADDR RPORT SADDR SPORT\n"), Rows{});
}

TEST(StoredText, AByteOrderMarkInFrontIsPassedOver) {
  const std::string mark = "\xef\xbb\xbf";
  for (const std::size_t at_a_time : {1u, 1000u}) {
    EXPECT_EQ(rows(mark + "raddr,sport,comm\r\n10.0.0.1,22,a\r\n", at_a_time), (Rows{"a|10.0.0.1|22"}));
    EXPECT_EQ(rows(mark + "COMM RADDR SPORT\na 10.0.0.1 22\n", at_a_time), (Rows{"a|10.0.0.1|22"}));
    EXPECT_EQ(rows(mark + "{\"raddr\":\"10.0.0.1\",\"sport\":22,\"comm\":\"a\"}\n", at_a_time),
              (Rows{"a|10.0.0.1|22"}));
    EXPECT_EQ(rows(mark, at_a_time), Rows{});
  }
  EXPECT_NE(why("raddr,comm\n1,2\n" + mark + "raddr\n"), "") << "only in front";
}

TEST(StoredText, AnAddressHasOneForm) {
  const Rows expected{"a|bbbb:aaa::1|22"};
  EXPECT_EQ(rows("comm,raddr,sport\na,BBBB:0aaa:0:0:0:0:0:1,22\n"), expected);
  EXPECT_EQ(rows("COMM RADDR SPORT\na bbbb:0aaa::0001 22\n"), expected);
  EXPECT_EQ(rows("{\"comm\":\"a\",\"raddr\":\"bbbb:aaa:0::1\",\"sport\":22}\n"), expected);
}

TEST(StoredText, LinesOfACsvThatBeginWithAHashArePassedOver) {
  EXPECT_EQ(rows("# a, b\nraddr,sport,comm\n# c\n::1,22,#a\n#\n"), (Rows{"#a|::1|22"}));
  EXPECT_EQ(rows("# a, b\ncomm,raddr\n#c,::1\n"), (Rows{"#c|::1|"})) << "a name may begin so";
}

TEST(StoredText, ACommandMayBeNamedLikeItsColumn) { EXPECT_EQ(rows("comm\na\ncomm\n"), (Rows{"a||", "comm||"})); }

TEST(StoredText, WhatIsNoneIsRefusedWithItsLine) {
  EXPECT_EQ(why("hello world\n"),
            "old.txt: line 1 does not name columns: neither a capture nor a text that tcpaccept-report wrote, which is "
            "a table, CSV, or JSON with an object on each line");
  for (const char* const array : {"[]\n", "[{\"raddr\":\"10.0.0.1\",\"sport\":22}]\n", "[\n{}\n]\n"}) {
    EXPECT_EQ(why(array).find("old.txt: line 1 begins a JSON array: neither a capture nor a text"), 0u) << array;
  }
  EXPECT_EQ(why("raddr,sport\n::1,2\n\n1,2,3\n"), "old.txt: line 4: has 3 cells, the first line 2");
  EXPECT_EQ(why("raddr,sport\n\"1,2\n"), "old.txt: line 2: a quote is not closed");
  EXPECT_EQ(why("raddr,comm\n::1,\\x4\n"), "old.txt: line 2, column 2: has a backslash that does not begin \\xHH");
  EXPECT_EQ(why("PID COMM RADDR RPORT SADDR SPORT\n7 sshd fd00::1 E7 fd00::2\n"), "old.txt: line 2 has sshd for raddr");
  EXPECT_EQ(why("PID SPORT\n1\n"), "old.txt: line 2 has 1 fields, the first line 2");
  EXPECT_EQ(why("{\"raddr\":[1]}\n"), "old.txt: line 1 is no JSON object of plain values");
  EXPECT_EQ(why("{\"raddr\":{\"raddr\":1}}\n"), "old.txt: line 1 is no JSON object of plain values");
  EXPECT_EQ(why("{\"pid\":1}\n{\"raddr\n"), "old.txt: line 2 is no JSON object of plain values");
  EXPECT_EQ(why("\n# a\ncomm,raddr,sport\na,::1,2\n\ncomm,raddr,sport\na,::1,2\n"),
            "old.txt: line 6: names the columns again: this is more than one text");
  EXPECT_EQ(why("raddr,sport\n::1,22\n::1,ssh\n"), "old.txt: line 3, column 2: has ssh for sport");
  EXPECT_EQ(why("raddr,netns\n::1,S1\n::1,7\n::1,x\n"), "old.txt: line 4, column 2: has x for netns");
  EXPECT_EQ(why("{\"time\":\"+0.000\"}\n{\"time\":\"#1\"}\n"), "old.txt: line 2 has #1 for time");
  EXPECT_EQ(why("{\"cpu\":1}\n{\"cpu\":\"x\"}\n"), "old.txt: line 2 has x for cpu");
  EXPECT_EQ(why("{\"sport\":22}\n{\"sport\":\"ssh\"}\n"), "old.txt: line 2 has ssh for sport");
  EXPECT_EQ(why("{\"sport\":22}\n{\"comm\":\"a\",\"sport\":22,\"comm\":\"b\"}\n"), "old.txt: line 2 has comm twice");
  EXPECT_EQ(why("{\"comm_hex\":\"61\",\"comm_hex\":\"62\"}\n"), "old.txt: line 1 has comm_hex twice");
  EXPECT_EQ(why("comm,raddr,comm\n"), "old.txt: line 1 names comm twice");
  EXPECT_EQ(why("COMM RADDR COMM\n"), "old.txt: line 1 names comm twice");
  EXPECT_NE(why("raddr,sport\n" + std::string(StoredText::kMaxLine * 2, 'x')).find("line 2: is longer than"), std::string::npos);
}

}  // namespace
}  // namespace tcpaccept::compare
