#include "capture/packed_column.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <numeric>
#include <random>

namespace tcpaccept::capture {
namespace {

std::vector<std::byte> pack(const std::vector<std::uint64_t>& values, bool delta, std::uint64_t absent = ~0ull) {
  ColumnPacker packer;
  std::vector<std::byte> out;
  packer.pack(ColumnId::kTime, values, delta, absent, out);
  return out;
}

template <typename T = std::uint64_t>
std::optional<std::vector<T>> unpack(Bytes bytes, std::size_t count) {
  ByteCursor cursor{bytes};
  PackedColumn column;
  if (!take_packed_column(cursor, column) || !cursor.at_end()) return std::nullopt;
  std::vector<T> values(count);
  ColumnUnpacker unpacker;
  if (!unpacker.unpack(column, std::span<T>{values})) return std::nullopt;
  return values;
}

TEST(PackedColumn, RoundTripsEveryWidthAndLength) {
  std::mt19937_64 random{7};
  for (const std::size_t count : {1u, 2u, 23u, 24u, 25u, 1000u, 16384u}) {
    for (unsigned bits = 0; bits <= 64; bits += 8) {
      std::vector<std::uint64_t> values(count);
      for (auto& value : values) value = bits == 0 ? 42 : random() >> (64 - bits);
      for (const bool delta : {false, true}) {
        const auto bytes = pack(values, delta);
        EXPECT_EQ(unpack(bytes, count), values) << count << " values of " << bits << " bits, delta " << delta;
      }
    }
  }
}

TEST(PackedColumn, AConstantColumnCostsThreeBytesWhateverItsLength) {
  EXPECT_EQ(pack(std::vector<std::uint64_t>(60000, 5), false).size(), 3u);
}

TEST(PackedColumn, AColumnOfDefaultsIsLeftOut) {
  EXPECT_TRUE(pack(std::vector<std::uint64_t>(100, 0), false, 0).empty());
  EXPECT_TRUE(pack({}, false, 0).empty());
}

TEST(PackedColumn, EvenStepsCostNearlyNothingAsDifferences) {
  std::vector<std::uint64_t> values(16384);
  std::iota(values.begin(), values.end(), 1'000'000'000'000u);
  EXPECT_LT(pack(values, true).size(), 64u);
}

TEST(PackedColumn, RandomPlanesStayRawBesideCompressedOnes) {
  std::mt19937_64 random{1};
  std::vector<std::uint64_t> values(16384);
  for (auto& value : values) value = (random() & 0xff) | 0x10000;  // a random low byte, constants above
  values[0] = 0;
  // 16384 raw bytes and two planes of next to nothing.
  EXPECT_LT(pack(values, false).size(), 16384u + 100u);
}

TEST(PackedColumn, NoTruncationIsTakenForAColumn) {
  std::vector<std::uint64_t> values(300);
  std::iota(values.begin(), values.end(), 7u);
  values[9] = 1u << 20;
  const auto bytes = pack(values, false);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(unpack(Bytes{bytes}.first(size), values.size())) << size;
  }
}

TEST(PackedColumn, AnotherCountThanWrittenIsRefused) {
  std::vector<std::uint64_t> values(300);
  std::iota(values.begin(), values.end(), 0u);
  const auto bytes = pack(values, false);
  EXPECT_FALSE(unpack(bytes, 299));
  EXPECT_FALSE(unpack(bytes, 301));
}

TEST(PackedColumn, ValuesThatDoNotFitTheTypeAreRefused) {
  EXPECT_FALSE(unpack<std::uint16_t>(pack({0, 0x10000}, false), 2));
  EXPECT_FALSE(unpack<std::uint16_t>(pack({0x10000, 0x10000}, false), 2));
  EXPECT_TRUE(unpack<std::uint16_t>(pack({0, 0xffff}, false), 2));
}

TEST(PackedColumn, UnknownFormsAreRefused) {
  for (const int form : {0x09, 0x0f, 0x20, 0x80}) {
    const std::array bytes{std::byte{96}, static_cast<std::byte>(form), std::byte{0}};
    ByteCursor cursor{bytes};
    PackedColumn column;
    EXPECT_FALSE(take_packed_column(cursor, column)) << form;
  }
}

TEST(PackedColumn, ADecompressionBombIsRefusedWithoutItsMemory) {
  // 64 MiB of zeros in a few KiB, given out as the plane of a column of 100 values.
  const std::vector<char> zeros(64 << 20);
  std::vector<std::byte> bomb(ZSTD_compressBound(zeros.size()));
  bomb.resize(ZSTD_compress(bomb.data(), bomb.size(), zeros.data(), zeros.size(), 19));
  ASSERT_LT(bomb.size(), 10000u);
  std::vector<std::byte> bytes{std::byte{96}, std::byte{1}, std::byte{0}};
  const std::uint64_t head = bomb.size() << 1 | 1;
  bytes.push_back(static_cast<std::byte>((head & 0x7f) | 0x80));
  bytes.push_back(static_cast<std::byte>(head >> 7));
  ASSERT_LT(head, 1u << 14);
  bytes.insert(bytes.end(), bomb.begin(), bomb.end());
  EXPECT_FALSE(unpack(bytes, 100));
}

}  // namespace
}  // namespace tcpaccept::capture
