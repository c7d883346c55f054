#include "anonymize/address_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpaccept::anonymize {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> all(std::string_view text) {
  std::vector<std::string> found;
  for_each_address(text, [&](std::string_view, const IpAddress& one) { found.push_back(to_string(one)); });
  return found;
}

TEST(AddressTexts, FindsWhatStandsAlone) {
  EXPECT_THAT(all("from 10.0.0.1:22, 10.0.0.2."), ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_THAT(all("2001:db8::1"), Contains("2001:db8::1"));
  EXPECT_THAT(all("2001:db8::1."), Contains("2001:db8::1"));
  EXPECT_THAT(all("1:2:3:4:5:6:7:8"), ElementsAre("1:2:3:4:5:6:7:8"));
  EXPECT_THAT(all("64:ff9b::192.0.2.33"), Contains("64:ff9b::c000:221"));
  EXPECT_THAT(all("(::ffff:1.2.3.4)"), Contains("1.2.3.4"));
  EXPECT_THAT(all("::"), ElementsAre("::"));
}

TEST(AddressTexts, FindsWhatIsGluedToSomething) {
  for (const char* text : {"pop:203.0.113.7", "ftp:203.0.113.7", "203.0.113.7:s", "::203.0.113.7", "1:203.0.113.7",
                           "a.203.0.113.7", "9.203.0.113.7", "203.0.113.7x", "203.0.113.7.9", "x203.0.113.7",
                           "1203.0.113.7", "\\x2d203.0.113.7", "\\x01203.0.113.7", "\\u0001203.0.113.7", "kernel-203.0.113.7"}) {
    EXPECT_THAT(all(text), Contains("203.0.113.7")) << text;
  }
  EXPECT_THAT(all("\\x012.0.113.7"), ElementsAre("2.0.113.7"));
  EXPECT_THAT(all("203.0.113.7890"), Contains("203.0.113.78"));
  for (const char* text : {"ip:2001:db8::77", "a:2001:db8::77", "x2001:db8::77", "2001:db8::77x", "face2001:db8::77",
                           "[2001:db8::77]:22", "2001:db8::77:", "\\x2d2001:db8::77"}) {
    EXPECT_THAT(all(text), Contains("2001:db8::77")) << text;
  }
  EXPECT_THAT(all("x:1:2:3:4:5:6:7:8:9"), Contains("1:2:3:4:5:6:7:8"));
}

TEST(AddressTexts, APartOfANumberIsNone) {
  EXPECT_THAT(all("203.0.113.78"), Not(Contains("203.0.113.7")));
  EXPECT_THAT(all("203.0.113.78"), ElementsAre("203.0.113.78"));
  EXPECT_THAT(all("2001:db8::77a"), Not(Contains("2001:db8::77")));
  EXPECT_THAT(all("6.1.0-18-amd64 #1 SMP 2026-11-16T12:30:01.123456789Z 1.2.3 12:34"), IsEmpty());
  EXPECT_THAT(all("a::b, C++ std::string"), ElementsAre("a::b", "d::"));
  EXPECT_THAT(all("1.2.3.256 1..2.3.4 .1.2.3"), IsEmpty());
}

TEST(AddressTexts, TimeIsLinear) {
  // Each of these would be quadratic, or worse, were every part of it tried.
  for (const std::string_view unit : {"1:", "1::", "::", "1.", "f", "1", ":", "1.1:"}) {
    std::string text;
    while (text.size() < 300'000) text += unit;
    std::size_t found = 0;
    for_each_address(text, [&](std::string_view, const IpAddress&) { ++found; });
    EXPECT_LT(found, 10 * text.size()) << unit;
  }
}

TEST(AddressTexts, SkipsWhatItIsTold) {
  std::vector<std::string> seen;
  for_each_address(
      "10.0.0.1 7 10.0.0.2", [&](std::string_view found, const IpAddress&) { seen.emplace_back(found); },
      [&](std::string_view run) { return run == "10.0.0.1"; });
  EXPECT_THAT(seen, ElementsAre("10.0.0.2"));
}

}  // namespace
}  // namespace tcpaccept::anonymize
