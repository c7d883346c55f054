#include "core/byte_cursor.h"

#include <gtest/gtest.h>

#include <vector>

namespace tcpaccept {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

TEST(ByteCursor, TakesOnlyWhatIsThere) {
  const auto data = bytes({1, 2, 3});
  ByteCursor cursor{data};
  std::uint16_t two = 0;
  ASSERT_TRUE(cursor.take(two));
  EXPECT_EQ(two, 0x0201);
  EXPECT_FALSE(cursor.take(two));
  EXPECT_EQ(cursor.left(), 1u);  // a failed take consumes nothing
  EXPECT_FALSE(cursor.skip(SIZE_MAX));
  EXPECT_TRUE(cursor.skip(1));
  EXPECT_TRUE(cursor.at_end());
}

TEST(ByteCursor, VarintsEndWithin64Bits) {
  const auto take = [](std::initializer_list<unsigned> values, std::uint64_t& out) {
    const auto data = bytes(values);
    ByteCursor cursor{data};
    return cursor.take_varint(out);
  };
  std::uint64_t value = 0;
  EXPECT_TRUE(take({0x7f}, value));
  EXPECT_EQ(value, 127u);
  EXPECT_TRUE(take({0x80, 0x01}, value));
  EXPECT_EQ(value, 128u);
  EXPECT_TRUE(take({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, value));
  EXPECT_EQ(value, ~0ull);
  EXPECT_FALSE(take({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, value));
  EXPECT_FALSE(take({0x80, 0x80}, value));
  EXPECT_FALSE(take({}, value));
}

}  // namespace
}  // namespace tcpaccept
