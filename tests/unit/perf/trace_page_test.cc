#include "perf/trace_page.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "record_builder.h"

namespace tcpaccept::perf {
namespace {

using test::ByteBuilder;

std::vector<std::byte> page(std::uint64_t time, const ByteBuilder& records, std::uint64_t flags = 0) {
  ByteBuilder page;
  page.add(time).add(records.bytes().size() | flags).add_bytes(records.bytes());
  return page.bytes();
}

std::uint32_t header(unsigned type, std::uint32_t delta) { return type | delta << 5; }

using Seen = std::vector<std::pair<std::uint64_t, std::uint32_t>>;  // time and first word

Seen walk(Bytes bytes, bool* missed = nullptr) {
  // A copy of its own, so that a read past the end is one past an allocation.
  const std::vector<std::byte> own{bytes.begin(), bytes.end()};
  Seen seen;
  const bool overwritten = walk_trace_page(own, [&](std::uint64_t time, Bytes payload) {
    seen.emplace_back(time, payload.size() < 4 ? 0 : load<std::uint32_t>(payload.data()));
  });
  if (missed != nullptr) *missed = overwritten;
  return seen;
}

ByteBuilder every_kind() {
  ByteBuilder records;
  records.add(header(2, 5)).add(std::uint32_t{11}).add(std::uint32_t{0});                    // 8 bytes, 5 ns later
  records.add(header(30, 1)).add(std::uint32_t{2});                                          // 2 << 27 | 1 later
  records.add(header(0, 7)).add(std::uint32_t{8}).add(std::uint32_t{22});                    // length in a word of its own
  records.add(header(29, 1)).add(std::uint32_t{8}).add(std::uint32_t{99});                   // discarded
  records.add(header(31, 3)).add(std::uint32_t{4});                                          // at 4 << 27 | 3
  records.add(header(1, 0)).add(std::uint32_t{33});
  records.add(header(29, 0));                                                                // nothing up to the end
  return records;
}

TEST(TracePage, EveryKindOfRecord) {
  bool missed = true;
  const std::uint64_t extended = (std::uint64_t{2} << 27) + 1;
  EXPECT_EQ(walk(page(1000, every_kind()), &missed),
            (Seen{{1005, 11}, {1012 + extended, 22}, {(std::uint64_t{4} << 27) + 3, 33}}));
  EXPECT_FALSE(missed);
  EXPECT_EQ(walk(page(1000, every_kind(), std::uint64_t{1} << 31), &missed).size(), 3u);
  EXPECT_TRUE(missed);
}

TEST(TracePage, AnAbsoluteTimeKeepsTheHighestBits) {
  ByteBuilder records;
  records.add(header(31, 3)).add(std::uint32_t{0}).add(header(1, 1)).add(std::uint32_t{1});
  EXPECT_EQ(walk(page(std::uint64_t{5} << 59 | 77, records)), (Seen{{(std::uint64_t{5} << 59) + 4, 1}}));
}

TEST(TracePage, CutAtAnyByteOrLying) {
  const std::vector<std::byte> whole = page(1000, every_kind());
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_LE(walk(Bytes{whole}.first(size)).size(), 3u) << size;
  for (const std::uint32_t length : {0u, 3u, 0xffffffffu}) {
    ByteBuilder records;
    records.add(header(0, 0)).add(length).add(std::uint32_t{1});
    EXPECT_TRUE(walk(page(0, records)).empty()) << length;
  }
  EXPECT_TRUE(walk(page(0, ByteBuilder{}.add(header(28, 0)))).empty());
}

}  // namespace
}  // namespace tcpaccept::perf
