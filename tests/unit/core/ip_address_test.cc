#include "core/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>

namespace tcpaccept {
namespace {

TEST(IpAddress, FormatsAsRfc5952) {
  const auto text = [](const char* from) { return to_string(parse_address(from).value()); };
  EXPECT_EQ(text("192.168.60.1"), "192.168.60.1");
  EXPECT_EQ(text("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(text("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(text("::"), "::");
  EXPECT_EQ(text("::1"), "::1");
  EXPECT_EQ(text("1::"), "1::");
  EXPECT_EQ(text("2001:DB8:0:0:8:0:0:1"), "2001:db8::8:0:0:1");       // first of two equal runs
  EXPECT_EQ(text("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");             // the longer run
  EXPECT_EQ(text("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");    // a single zero stays
  EXPECT_EQ(text("fe80::1234:5678:9abc:def0"), "fe80::1234:5678:9abc:def0");
  EXPECT_EQ(text("::1.2.3.4"), "::102:304");
  EXPECT_EQ(text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(IpAddress, TextReadsBack) {
  std::mt19937_64 random{3};
  for (int i = 0; i < 20000; ++i) {
    IpAddress address;
    const auto zeros = random();
    for (std::size_t b = 0; b < 16; ++b) {
      address.bytes[b] = (zeros >> (b / 2) & 1) != 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(random());
    }
    EXPECT_EQ(parse_address(to_string(address)), address) << to_string(address);
  }
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", " 1.2.3.4", "1.2.3.4 ", "::1%lo", "g::", "1.2.3.4/8", "example"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view{"1.2.3.4\0x", 9}));
  EXPECT_FALSE(parse_address(std::string(200, '1')));
}

TEST(IpPrefix, ContainsByItsBits) {
  const auto contains = [](const char* prefix, const char* address) {
    return parse_prefix(prefix).value().contains(parse_address(address).value());
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.168.60.128/25", "192.168.60.170"));
  EXPECT_FALSE(contains("192.168.60.128/25", "192.168.60.1"));
  EXPECT_TRUE(contains("192.168.60.1", "192.168.60.1"));
  EXPECT_FALSE(contains("192.168.60.1", "192.168.60.2"));
  EXPECT_TRUE(contains("192.168.60.77/24", "192.168.60.1"));  // bits beyond the length do not matter
  EXPECT_TRUE(contains("2001:db8::/32", "2001:db8:1::1"));
  EXPECT_FALSE(contains("2001:db8::/32", "2001:db9::"));
  EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("::/0", "::1"));
  EXPECT_FALSE(contains("::/0", "8.8.8.8"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
}

TEST(IpPrefix, RefusesBadLengths) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "/8"}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
}

}  // namespace
}  // namespace tcpaccept
