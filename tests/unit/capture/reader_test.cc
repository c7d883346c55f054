#include "capture/reader.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "capture/codec.h"
#include "capture/crc32c.h"
#include "capture/format.h"
#include "core/unique_fd.h"
#include "support/batches.h"

namespace tcpaccept::capture {
namespace {

using ByteVector = std::vector<std::byte>;

void append(ByteVector& to, Bytes from) { to.insert(to.end(), from.begin(), from.end()); }

// A small capture and where its frames begin.
struct Sample {
  ByteVector bytes;
  std::vector<std::size_t> begins;  // of each frame, and the end
  std::vector<std::uint64_t> times;  // of all events
};

Sample make_sample(std::size_t batches = 3, std::size_t events = 4, Packing packing = Packing::kPacked) {
  Sample sample;
  Encoder encoder;
  test::AcceptSource source{{}};
  const auto add = [&](Bytes frame) {
    sample.begins.push_back(sample.bytes.size());
    append(sample.bytes, frame);
  };
  add(encoder.encode(test::make_start()));
  for (std::size_t i = 0; i < batches; ++i) {
    const Batch batch = test::make_batch(source, events);
    sample.times.insert(sample.times.end(), batch.time.begin(), batch.time.end());
    add(encoder.encode(batch, packing));
  }
  add(encoder.encode(End{.written = batches * events, .batches = batches}));
  sample.begins.push_back(sample.bytes.size());
  return sample;
}

struct Read {
  std::size_t starts = 0, batches = 0, ends = 0, unknown = 0;
  std::vector<Damage> damage;
  std::vector<std::uint64_t> times;
  bool nothing_intact = false;
};

Read read_all(Reader reader) {
  Read read;
  for (;;) {
    const Reader::Item item = reader.next();
    if (std::holds_alternative<EndOfInput>(item)) break;
    if (std::holds_alternative<const Start*>(item)) ++read.starts;
    if (std::holds_alternative<const End*>(item)) ++read.ends;
    if (std::holds_alternative<const UnknownFrame*>(item)) ++read.unknown;
    if (const auto* damage = std::get_if<const Damage*>(&item)) read.damage.push_back(**damage);
    if (const auto* batch = std::get_if<const Batch*>(&item)) {
      ++read.batches;
      read.times.insert(read.times.end(), (*batch)->time.begin(), (*batch)->time.end());
    }
  }
  EXPECT_TRUE(std::holds_alternative<EndOfInput>(reader.next()));
  read.nothing_intact = reader.nothing_intact();
  return read;
}
Read read_all(Bytes bytes) { return read_all(Reader{read_from(bytes)}); }

// A source that hands out a few bytes at a time, as a pipe may.
Source in_pieces(Bytes bytes, std::size_t piece) {
  return {.read = [read = read_from(bytes).read, piece](std::byte* to, std::size_t size) {
    return read(to, std::min(size, piece));
  }};
}

TEST(Reader, GivesWhatWasWritten) {
  const Sample sample = make_sample();
  for (const std::size_t piece : {1u, 7u, 100u, 1u << 20}) {
    const Read read = read_all(Reader{in_pieces(sample.bytes, piece)});
    EXPECT_EQ(read.starts, 1u);
    EXPECT_EQ(read.batches, 3u);
    EXPECT_EQ(read.ends, 1u);
    EXPECT_TRUE(read.damage.empty());
    EXPECT_EQ(read.times, sample.times);
  }
}

TEST(Reader, TwoCapturesInOneFileAreTwoSessions) {
  ByteVector both = make_sample().bytes;
  append(both, make_sample(2).bytes);
  const Read read = read_all(both);
  EXPECT_EQ(read.starts, 2u);
  EXPECT_EQ(read.batches, 5u);
  EXPECT_EQ(read.ends, 2u);
}

TEST(Reader, EveryTruncationIsNamedAndNothingBeforeItIsLost) {
  for (const Packing packing : {Packing::kPacked, Packing::kPlain}) {
    const Sample sample = make_sample(3, 4, packing);
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      const Read read = read_all(Bytes{sample.bytes}.first(size));
      const auto whole = static_cast<std::size_t>(
          std::upper_bound(sample.begins.begin(), sample.begins.end(), size) - sample.begins.begin() - 1);
      EXPECT_EQ(read.starts + read.batches + read.ends, whole) << size;
      if (size == sample.begins[whole]) {
        EXPECT_TRUE(read.damage.empty()) << size;
      } else {
        ASSERT_EQ(read.damage.size(), 1u) << size;
        EXPECT_EQ(read.damage[0].offset, sample.begins[whole]);
        EXPECT_EQ(read.damage[0].length, size - sample.begins[whole]);
        EXPECT_TRUE(read.damage[0].tail);
        EXPECT_NE(read.damage[0].why.find("cut short"), std::string::npos) << read.damage[0].why;
      }
      EXPECT_EQ(read.nothing_intact, whole == 0);
    }
  }
}

TEST(Reader, EveryFlippedBitIsNoticedAndCostsOneFrameOnly) {
  const Sample sample = make_sample(3, 4);
  for (std::size_t bit = 0; bit < sample.bytes.size() * 8; ++bit) {
    ByteVector bytes = sample.bytes;
    bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    const Read read = read_all(bytes);
    const auto hit = static_cast<std::size_t>(
        std::upper_bound(sample.begins.begin(), sample.begins.end(), bit / 8) - sample.begins.begin() - 1);
    ASSERT_EQ(read.damage.size(), 1u) << bit;
    EXPECT_EQ(read.damage[0].offset, sample.begins[hit]) << bit;
    EXPECT_EQ(read.damage[0].length, sample.begins[hit + 1] - sample.begins[hit]) << bit;
    ASSERT_EQ(read.starts + read.batches + read.ends, 4u) << bit;
    // What is shown is right: the events of the other batches, unchanged.
    std::vector<std::uint64_t> expected = sample.times;
    if (hit >= 1 && hit <= 3) {
      const auto gone = expected.begin() + static_cast<std::ptrdiff_t>(4 * (hit - 1));
      expected.erase(gone, gone + 4);
    }
    EXPECT_EQ(read.times, expected) << bit;
  }
}

TEST(Reader, FindsItsWayBackAfterBytesThatAreMissingOrForeign) {
  const Sample sample = make_sample(3, 4);
  for (std::size_t gone = 1; gone < 40; ++gone) {
    // Bytes cut out of the first batch: all that follows is no longer aligned.
    ByteVector bytes = sample.bytes;
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(sample.begins[1] + 20);
    bytes.erase(at, at + static_cast<std::ptrdiff_t>(gone));
    const Read read = read_all(bytes);
    EXPECT_EQ(read.batches, 2u) << gone;
    ASSERT_EQ(read.damage.size(), 1u);
    EXPECT_EQ(read.damage[0].length, sample.begins[2] - sample.begins[1] - gone);
    EXPECT_FALSE(read.damage[0].tail);
  }
  ByteVector bytes(100000, std::byte{0x55});
  append(bytes, sample.bytes);
  const Read read = read_all(bytes);
  EXPECT_EQ(read.batches, 3u);
  ASSERT_EQ(read.damage.size(), 1u);
  EXPECT_EQ(read.damage[0].length, 100000u);
}

TEST(Reader, WhatIsNoCaptureHasNothingIntact) {
  for (const std::size_t size : {1u, 31u, 32u, 33u, 4096u, 1u << 20}) {
    const Read read = read_all(ByteVector(size, std::byte{'x'}));
    EXPECT_TRUE(read.nothing_intact);
    ASSERT_EQ(read.damage.size(), 1u);
    EXPECT_EQ(read.damage[0].length, size);
  }
  const Read empty = read_all(Bytes{});
  EXPECT_TRUE(empty.nothing_intact);
  EXPECT_TRUE(empty.damage.empty());
}

TEST(Reader, FramesThatClaimMuchDoNotMakeItSlow) {
  // As many heads as fit, each claiming the largest frame: checksumming all of them would take hours.
  ByteVector head(kHeadBytes);
  const std::uint32_t words = (kMaxFrameBytes - kRootOffset) / 8;
  const std::uint64_t root = std::uint64_t{2} << 32;
  std::memcpy(&head[4], &words, sizeof words);
  std::memcpy(&head[kRootOffset], &root, sizeof root);
  std::memcpy(&head[kSyncOffset], &kSync, sizeof kSync);
  const std::uint16_t check = head_checksum(head);
  std::memcpy(&head[kHeadCheckOffset], &check, sizeof check);
  ASSERT_EQ(frame_length(head), kMaxFrameBytes);
  ByteVector bytes;
  while (bytes.size() < (std::size_t{40} << 20)) append(bytes, head);
  const Read read = read_all(bytes);  // the test's own time limit is the assertion
  EXPECT_TRUE(read.nothing_intact);
  ASSERT_EQ(read.damage.size(), 1u);
  EXPECT_EQ(read.damage[0].length, bytes.size());
}

TEST(Reader, IndexPartsThatClaimMuchDoNotMakeItSlow) {
  // The frames end behind the input, their index parts do not: it is these that would be checksummed.
  constexpr std::size_t kSize = std::size_t{16} << 20;
  ByteVector bytes(kSize);
  for (std::size_t at = 0; at + kIndexHeadBytes <= kSize; at += kIndexHeadBytes) {
    const Bytes head = Bytes{bytes}.subspan(at, kIndexHeadBytes);
    const std::uint32_t words = (kMaxFrameBytes - kRootOffset) / 8;
    const std::uint64_t root = std::uint64_t{3} << 32;
    const auto index = static_cast<std::uint32_t>(std::max(kIndexHeadBytes, (kSize - at) / 8 * 8));
    std::memcpy(&bytes[at + 4], &words, sizeof words);
    std::memcpy(&bytes[at + kRootOffset], &root, sizeof root);
    std::memcpy(&bytes[at + kSyncOffset], &kSync, sizeof kSync);
    const std::uint16_t check = head_checksum(head);
    std::memcpy(&bytes[at + kHeadCheckOffset], &check, sizeof check);
    std::memcpy(&bytes[at + kIndexLengthOffset], &index, sizeof index);
  }
  ASSERT_EQ(frame_length(Bytes{bytes}.subspan(kIndexHeadBytes)), kMaxFrameBytes);
  bytes.erase(bytes.begin(), bytes.begin() + kIndexHeadBytes);  // its frame would fit
  const auto begin = std::chrono::steady_clock::now();
  const Read read = read_all(bytes);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
  EXPECT_TRUE(read.nothing_intact);
  ASSERT_EQ(read.damage.size(), 1u);
  EXPECT_EQ(read.damage[0].length, bytes.size());
}

TEST(Reader, AMalformedFrameBetweenGoodOnesIsOneDamage) {
  Encoder encoder;
  test::AcceptSource source{{}};
  Batch wrong = test::make_batch(source, 20);
  wrong.listener[3] = 999;
  ByteVector bytes;
  append(bytes, encoder.encode(test::make_batch(source, 5), Packing::kPlain));
  const std::size_t first = bytes.size();
  append(bytes, encoder.encode(wrong, Packing::kPlain));
  const std::size_t second = bytes.size();
  append(bytes, encoder.encode(test::make_batch(source, 5), Packing::kPlain));
  const Read read = read_all(bytes);
  EXPECT_EQ(read.batches, 2u);
  ASSERT_EQ(read.damage.size(), 1u);
  EXPECT_EQ(read.damage[0].offset, first);
  EXPECT_EQ(read.damage[0].length, second - first);
}

TEST(Reader, AFileIsReadFromWhereItStandsAndItsBatchesPassedOver) {
  const Sample sample = make_sample(40, 4000);
  const UniqueFd file(::memfd_create("capture", MFD_CLOEXEC));
  ASSERT_EQ(::write(file.get(), "title", 5), 5);
  ASSERT_EQ(::write(file.get(), sample.bytes.data(), sample.bytes.size()), static_cast<ssize_t>(sample.bytes.size()));
  ASSERT_EQ(::lseek(file.get(), 5, SEEK_SET), 5);
  FrameReader reader(read_from(file.get(), "capture"));
  std::size_t batches = 0;
  for (;;) {
    const FrameReader::Item item = reader.next();
    ASSERT_FALSE(std::holds_alternative<const Damage*>(item));
    if (std::holds_alternative<EndOfInput>(item)) break;
    // Some are read, most are not.
    if (!std::holds_alternative<const BatchFrame*>(item) || ++batches % 7 != 0) continue;
    EXPECT_FALSE(reader.frame().empty());
  }
  EXPECT_EQ(batches, 40u);
  EXPECT_EQ(reader.offset(), sample.bytes.size());
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), static_cast<off_t>(5 + sample.bytes.size()));
}

}  // namespace
}  // namespace tcpaccept::capture
