#include "perf/ring.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/error.h"
#include "perf/record.h"
#include "record_builder.h"

namespace tcpaccept::perf {
namespace {

// A ring on the heap, written as the kernel writes one.
class HeapRing {
 public:
  explicit HeapRing(std::size_t size, std::uint64_t start = 0) : data_(size) {
    page_.data_head = page_.data_tail = start;
  }

  void write(Bytes bytes) {
    for (const std::byte byte : bytes) data_[static_cast<std::size_t>(page_.data_head++ & (data_.size() - 1))] = byte;
  }
  std::uint64_t free() const { return data_.size() - (page_.data_head - page_.data_tail); }

  perf_event_mmap_page page_{};
  std::vector<std::byte> data_;
};

std::vector<std::byte> numbered(std::uint64_t number, std::size_t words) {
  test::ByteBuilder body;
  for (std::size_t i = 0; i < words; ++i) body.add(number);
  return test::record(test::kSample, body.bytes());
}

TEST(RingReader, EmptyRingGivesNothing) {
  HeapRing ring{64};
  RingReader reader{&ring.page_, ring.data_};
  std::vector<std::byte> out;
  EXPECT_EQ(reader.drain(out), 0u);
  EXPECT_TRUE(out.empty());
}

TEST(RingReader, RecordsWrappedAtEveryOffsetComeOutWhole) {
  for (std::uint64_t start = 0; start < 128; start += 8) {
    HeapRing ring{128, start};
    RingReader reader{&ring.page_, ring.data_};
    std::vector<std::byte> expected;
    for (const std::uint64_t number : {1u, 2u, 3u}) {
      const auto record = numbered(number, 3);
      ring.write(record);
      expected.insert(expected.end(), record.begin(), record.end());
    }
    std::vector<std::byte> out;
    EXPECT_EQ(reader.drain(out), expected.size());
    EXPECT_EQ(out, expected) << start;
    EXPECT_EQ(ring.page_.data_tail, ring.page_.data_head);
    EXPECT_EQ(reader.corrupt(), 0u);
  }
}

TEST(RingReader, FullRingAndPositionsNearTheEndOf64Bits) {
  HeapRing ring{64, std::uint64_t{0} - 24};
  RingReader reader{&ring.page_, ring.data_};
  ring.write(numbered(7, 7));
  EXPECT_EQ(ring.free(), 0u);
  std::vector<std::byte> out;
  EXPECT_EQ(reader.drain(out), 64u);
  EXPECT_EQ(out, numbered(7, 7));
}

TEST(RingReader, AppendsToWhatIsThere) {
  HeapRing ring{64};
  RingReader reader{&ring.page_, ring.data_};
  std::vector<std::byte> out(5);
  ring.write(numbered(1, 1));
  EXPECT_EQ(reader.drain(out), 16u);
  ring.write(numbered(2, 1));
  EXPECT_EQ(reader.drain(out), 16u);
  EXPECT_EQ(out.size(), 5u + 32u);
}

TEST(RingReader, ImpossibleSizesSkipToTheHeadAndAreCounted) {
  for (const unsigned size : {0u, 4u, 12u, 20u, 48u, 65528u}) {
    HeapRing ring{128, 104};
    RingReader reader{&ring.page_, ring.data_};
    const auto good = numbered(1, 1);
    auto bad = numbered(2, 2);
    const auto written = static_cast<std::uint16_t>(size);
    std::memcpy(bad.data() + 6, &written, sizeof written);
    ring.write(good);
    ring.write(bad);
    ring.write(numbered(3, 1));
    std::vector<std::byte> out;
    EXPECT_EQ(reader.drain(out), good.size()) << size;
    EXPECT_EQ(out, good) << size;
    EXPECT_EQ(reader.corrupt(), 1u);
    EXPECT_EQ(reader.skipped_bytes(), 24u + 16u);
    EXPECT_EQ(ring.page_.data_tail, ring.page_.data_head);

    // The ring is usable again.
    ring.write(good);
    out.clear();
    EXPECT_EQ(reader.drain(out), good.size());
    EXPECT_EQ(out, good);
  }
}

TEST(RingReader, HeadFurtherAwayThanTheRingIsCorrupt) {
  for (const std::uint64_t head : {std::uint64_t{72}, std::uint64_t{1} << 60, ~std::uint64_t{0}}) {
    HeapRing ring{64};
    RingReader reader{&ring.page_, ring.data_};
    ring.page_.data_head = head;
    std::vector<std::byte> out;
    EXPECT_EQ(reader.drain(out), 0u);
    EXPECT_EQ(reader.corrupt(), 1u);
    EXPECT_EQ(ring.page_.data_tail, head);
  }
}

TEST(RingReader, RefusesARingThatIsNoPowerOfTwo) {
  perf_event_mmap_page page{};
  const std::vector<std::byte> data(100);
  EXPECT_THROW((RingReader{&page, data}), Error);
  EXPECT_THROW((RingReader{&page, std::span<const std::byte>{}}), Error);
  EXPECT_THROW((RingReader{&page, std::span{data}.first(4)}), Error);
}

// Every record written arrives once, whole and in order while a writer fills the ring as fast as it can. Under
// ThreadSanitizer the data itself is a race by design; the positions are not.
TEST(RingReader, FollowsAWriterOnAnotherThread) {
  constexpr std::uint64_t kRecords = 20'000;
  HeapRing ring{4096};
  std::thread writer{[&ring] {
    std::uint64_t head = 0;
    for (std::uint64_t number = 0; number < kRecords; ++number) {
      const auto record = numbered(number, 1 + number % 5);
      while (ring.data_.size() - (head - __atomic_load_n(&ring.page_.data_tail, __ATOMIC_ACQUIRE)) < record.size()) {
        std::this_thread::yield();
      }
      for (const std::byte byte : record) ring.data_[static_cast<std::size_t>(head++ & (ring.data_.size() - 1))] = byte;
      __atomic_store_n(&ring.page_.data_head, head, __ATOMIC_RELEASE);
    }
  }};

  RingReader reader{&ring.page_, ring.data_};
  std::vector<std::byte> chunk;
  std::uint64_t next = 0;
  bool in_order = true;
  while (next < kRecords && in_order) {
    chunk.clear();
    if (reader.drain(chunk) == 0) std::this_thread::yield();
    Bytes rest = chunk;
    Bytes record;
    while (in_order && next_record(rest, record)) in_order = load<std::uint64_t>(record.data() + 8) == next++;
    in_order = in_order && rest.empty() && reader.corrupt() == 0;
  }
  __atomic_store_n(&ring.page_.data_tail, ~std::uint64_t{0} >> 1, __ATOMIC_RELEASE);  // never hold the writer up
  writer.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, kRecords);
}

}  // namespace
}  // namespace tcpaccept::perf
