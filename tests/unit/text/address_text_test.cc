#include "text/address_text.h"

#include <gtest/gtest.h>

#include <random>

#include "text/digits.h"

namespace tcpaccept::text {
namespace {

std::string text_of(const IpAddress& address) {
  char text[kMaxAddressText + kScribble];
  return {text, put_address(text, address)};
}

TEST(AddressText, Examples) {
  for (const char* text : {"0.0.0.0", "255.255.255.255", "10.0.20.3", "::", "::1", "1::", "2001:db8::1", "1:0:0:2::3",
                           "1::2:0:0:3:4", "0:1::", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8", "fe80::1:2:3:4",
                           "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "64:ff9b::102:304"}) {
    EXPECT_EQ(text_of(*parse_address(text)), to_string(*parse_address(text)));
  }
}

TEST(AddressText, EqualsCoreForEveryPatternOfZeros) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 200; ++round) {
    for (unsigned zeros = 0; zeros < 256; ++zeros) {
      IpAddress address;
      for (unsigned group = 0; group < 8; ++group) {
        if ((zeros >> group & 1) != 0) continue;
        const std::uint64_t value = random() >> (48 + random() % 16);
        address.bytes[2 * group] = static_cast<std::uint8_t>(value >> 8);
        address.bytes[2 * group + 1] = static_cast<std::uint8_t>(value);
      }
      ASSERT_EQ(text_of(address), to_string(address));
    }
    const IpAddress v4 = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
    ASSERT_EQ(text_of(v4), to_string(v4));
  }
}

}  // namespace
}  // namespace tcpaccept::text
