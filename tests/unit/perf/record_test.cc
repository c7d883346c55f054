#include "perf/record.h"

#include <gtest/gtest.h>

#include "record_builder.h"

namespace tcpaccept::perf {
namespace {

TEST(NextRecord, CutsRecordsInOrderAndEndsEmpty) {
  test::ByteBuilder chunk;
  chunk.add_bytes(test::record(7, {})).add_bytes(test::record(8, std::vector<std::byte>(16)));
  Bytes rest = chunk.bytes();
  Bytes record;
  ASSERT_TRUE(next_record(rest, record));
  EXPECT_EQ(record.size(), 8u);
  ASSERT_TRUE(next_record(rest, record));
  EXPECT_EQ(record.size(), 24u);
  EXPECT_FALSE(next_record(rest, record));
  EXPECT_TRUE(rest.empty());
}

TEST(NextRecord, LeavesARecordCutAtAnyByte) {
  const std::vector<std::byte> whole = test::record(9, std::vector<std::byte>(40));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    // A copy of its own, so that a read past the end is one past an allocation.
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Bytes rest = cut;
    Bytes record;
    EXPECT_FALSE(next_record(rest, record)) << size;
    EXPECT_EQ(rest.size(), size);
  }
}

TEST(NextRecord, RefusesSizesTheKernelCannotWrite) {
  for (const unsigned size : {0u, 4u, 7u, 9u, 12u, 65535u}) {
    EXPECT_FALSE(plausible_record_size(static_cast<std::uint16_t>(size))) << size;
  }
  for (const unsigned size : {8u, 16u, 65528u}) {
    EXPECT_TRUE(plausible_record_size(static_cast<std::uint16_t>(size))) << size;
  }
}

}  // namespace
}  // namespace tcpaccept::perf
