#include "capture/codec.h"

#include <gtest/gtest.h>

#include <cstring>

#include "capture/crc32c.h"
#include "capture/packed_batch.h"
#include "capture/format.h"
#include "support/batches.h"

namespace tcpaccept::capture {
namespace {

using test::AcceptSource;
using test::make_batch;
using test::make_start;

// Bytes at an address Cap'n Proto can read from.
class Aligned {
 public:
  explicit Aligned(Bytes bytes) : words_((bytes.size() + 7) / 8), size_(bytes.size()) {
    std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  std::byte* data() { return reinterpret_cast<std::byte*>(words_.data()); }
  operator Bytes() { return {data(), size_}; }  // NOLINT(google-explicit-constructor)

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

TEST(Codec, StartRoundTrips) {
  Encoder encoder;
  Decoder decoder;
  const Start start = make_start();
  Aligned frame{encoder.encode(start)};
  EXPECT_EQ(frame_length(frame), Bytes{frame}.size());
  ASSERT_EQ(decoder.decode(frame), Decoder::Kind::kStart);
  EXPECT_EQ(decoder.start(), start);
}

TEST(Codec, EndRoundTrips) {
  Encoder encoder;
  Decoder decoder;
  const End end{.clock = {1, 2, 3}, .written = 7, .batches = 3, .reason = "signal SIGINT",
                .unproved = {.misses = true, .switches = true}};
  Aligned frame{encoder.encode(end)};
  ASSERT_EQ(decoder.decode(frame), Decoder::Kind::kEnd);
  EXPECT_EQ(decoder.end(), end);
}

// Batches that are awkward in one way each.
std::vector<std::pair<std::string, Batch>> awkward_batches() {
  std::vector<std::pair<std::string, Batch>> batches;
  AcceptSource source{{}};
  for (const std::size_t events : {1u, 2u, 100u, 5000u}) {
    batches.emplace_back(std::to_string(events) + " events", make_batch(source, events));
  }
  AcceptSource many{{.seed = 3, .remote_addresses = 100000, .listeners = 300}};
  batches.emplace_back("nearly every peer once", make_batch(many, 5000));
  AcceptSource bare{{.metrics = false}};
  batches.emplace_back("no metrics", make_batch(bare, 500));
  AcceptSource largest{{.seed = 5, .remote_addresses = 70000}};
  batches.emplace_back("the largest", make_batch(largest, kMaxBatchEvents));

  Batch mixed = make_batch(source, 50);
  mixed.wait_us[7] = kNotRecorded64;
  mixed.wait_us[8] = kNotRecorded64 - 1;
  mixed.ahead[9] = kNotRecorded32;
  mixed.rtt_us[10] = kNotRecorded32 - 1;
  mixed.cpu[11] = kNotRecorded16;
  mixed.cpu[12] = kNotRecorded16 - 1;
  mixed.tid[13] = 1;  // below its process
  mixed.listeners[0].pid = 0;
  mixed.listeners[0].backlog = kNotRecorded32;
  mixed.listeners[0].in_kernel = true;
  mixed.listeners[0].protocol = kProtocolMptcp;
  mixed.listeners[0].comm = Comm::from("\xff\x01=;\n\"-15-byte");
  mixed.listeners[1].comm = Comm::from("");
  mixed.clock.realtime = -1;
  batches.emplace_back("extreme values", mixed);

  Batch extreme_times = make_batch(source, 3);
  extreme_times.time = {0, 0, ~0ull};
  extreme_times.ledger.reset();
  extreme_times.clock = {};
  batches.emplace_back("extreme times, no ledger", extreme_times);

  Batch empty;
  empty.ledger = Ledger{.begin = 5, .end = 5};
  batches.emplace_back("a ledger alone, all its counts zero", empty);
  empty.clock = {5, 6, 7};
  batches.emplace_back("a ledger alone that ends at the clock", empty);
  return batches;
}

// The packed form may order its peers differently; what they say must be the same.
void expect_same(const Batch& actual, const Batch& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  EXPECT_EQ(actual.clock, expected.clock);
  EXPECT_EQ(actual.ledger, expected.ledger);
  EXPECT_EQ(actual.listeners, expected.listeners);
  EXPECT_EQ(actual.peers.size(), expected.peers.size());
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(actual.at(i), expected.at(i)) << i;
}

TEST(Codec, BatchesRoundTripInBothForms) {
  Encoder encoder;
  Decoder decoder;
  for (const auto& [name, batch] : awkward_batches()) {
    for (const Packing packing : {Packing::kPlain, Packing::kPacked}) {
      SCOPED_TRACE(name + (packing == Packing::kPlain ? ", plain" : ", packed"));
      Aligned frame{encoder.encode(batch, packing)};
      EXPECT_EQ(frame_length(frame), Bytes{frame}.size());
      ASSERT_EQ(decoder.decode(frame), Decoder::Kind::kBatch) << decoder.why();
      EXPECT_EQ(decoder.batch().events, batch.size());
      Batch decoded;
      ASSERT_TRUE(decoder.read(kAllColumns, decoded)) << decoder.why();
      expect_same(decoded, batch);
    }
  }
}

TEST(Codec, FramesAreSealed) {
  Encoder encoder;
  AcceptSource source{{}};
  Aligned frame{encoder.encode(make_batch(source, 10), Packing::kPacked)};
  EXPECT_EQ(load<std::uint64_t>(frame.data() + kSyncOffset), kSync);
  EXPECT_EQ(load<std::uint32_t>(frame.data() + kCrcOffset), frame_checksum(frame));
  frame.data()[40] ^= std::byte{1};
  EXPECT_NE(load<std::uint32_t>(frame.data() + kCrcOffset), frame_checksum(frame));
}

TEST(Codec, CrcIsCastagnoli) {
  const std::string_view digits = "123456789";  // the check value of CRC-32C
  EXPECT_EQ(crc32c(std::as_bytes(std::span{digits})), 0xe3069283u);
}

// A frame whose content was changed and sealed again: what a hostile writer can do.
Decoder::Kind decode_resealed(Decoder& decoder, Aligned& frame) {
  const std::uint32_t checksum = frame_checksum(frame);
  std::memcpy(frame.data() + kCrcOffset, &checksum, sizeof checksum);
  return decoder.decode(frame);
}

TEST(Codec, NoByteOfASealedFrameCanHurt) {
  Encoder encoder;
  Decoder decoder;
  AcceptSource source{{}};
  const Batch batch = make_batch(source, 40);
  for (const Packing packing : {Packing::kPlain, Packing::kPacked}) {
    const Bytes bytes = encoder.encode(batch, packing);
    const std::vector<std::byte> original{bytes.begin(), bytes.end()};
    for (std::size_t at = kSyncOffset; at < original.size(); ++at) {
      for (const unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
        Aligned frame{original};
        frame.data()[at] = static_cast<std::byte>(value);
        // Under the sanitizers this finds any access out of bounds; a batch that comes out must be consistent.
        if (decode_resealed(decoder, frame) == Decoder::Kind::kBatch) {
          Batch decoded;
          EXPECT_TRUE(!decoder.read(kAllColumns, decoded) || inconsistency(decoded) == nullptr);
        }
      }
    }
  }
}

TEST(Codec, ReadsOnlyWhatIsWanted) {
  Encoder encoder;
  Decoder decoder;
  AcceptSource source{{}};
  const Batch batch = make_batch(source, 40);
  for (const Packing packing : {Packing::kPlain, Packing::kPacked}) {
    Aligned frame{encoder.encode(batch, packing)};
    Batch decoded;
    ASSERT_EQ(decoder.decode(frame), Decoder::Kind::kBatch);
    ASSERT_TRUE(decoder.read(columns_of(ColumnId::kRport), decoded));
    EXPECT_EQ(decoded.rport, batch.rport);
    EXPECT_TRUE(decoded.time.empty() && decoded.peer.empty() && decoded.peers.empty());
    // And then the rest, into the same memory.
    ASSERT_EQ(decoder.decode(frame), Decoder::Kind::kBatch);
    ASSERT_TRUE(decoder.read(kAllColumns, decoded));
    EXPECT_EQ(decoded.time, batch.time);
    for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(decoded.peers[decoded.peer[i]], batch.peers[batch.peer[i]]);
  }
}

TEST(Codec, InconsistentBatchesAreMalformed) {
  AcceptSource source{{}};
  const auto spoil = [&](auto change) {
    Batch batch = make_batch(source, 20);
    change(batch);
    return batch;
  };
  const std::vector<Batch> spoiled = {
      spoil([](Batch& b) { b.listener[3] = static_cast<std::uint16_t>(b.listeners.size()); }),
      spoil([](Batch& b) { std::swap(b.time[3], b.time[9]); }),
      spoil([](Batch& b) { b.rport.pop_back(); }),
      spoil([](Batch& b) { b.listeners.clear(); }),
  };
  for (const Batch& batch : spoiled) EXPECT_NE(inconsistency(batch), nullptr);

  Encoder encoder;
  Decoder decoder;
  for (std::size_t i = 0; i < spoiled.size(); ++i) {
    Aligned frame{encoder.encode(spoiled[i], Packing::kPlain)};
    Batch decoded;
    EXPECT_FALSE(decoder.decode(frame) == Decoder::Kind::kBatch && decoder.read(kAllColumns, decoded)) << i;
  }
}

TEST(Codec, AFrameFromTheFutureIsUnknownNotMalformed) {
  Encoder encoder;
  Decoder decoder;
  Aligned frame{encoder.encode(End{})};
  const std::uint16_t newer = kFormatVersion + 1;
  std::memcpy(frame.data() + kCrcOffset + 4, &newer, sizeof newer);
  EXPECT_EQ(decode_resealed(decoder, frame), Decoder::Kind::kUnknown);
  EXPECT_NE(decoder.why().find("version 3"), std::string::npos) << decoder.why();
}

TEST(Codec, HeadsThatCannotBeAreRefused) {
  Encoder encoder;
  Aligned good{encoder.encode(End{})};
  ASSERT_TRUE(frame_length(good));
  for (std::size_t size = 0; size < kHeadBytes; ++size) EXPECT_FALSE(frame_length(Bytes{good}.first(size)));
  // Every bit of the lengths, the sync word and the check, but not the checksum and the version.
  for (std::size_t bit = 0; bit < kHeadBytes * 8; ++bit) {
    if (bit / 8 >= kCrcOffset && bit / 8 < kHeadCheckOffset) continue;
    Aligned frame{good};
    frame.data()[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(frame_length(frame)) << bit;
  }
}

}  // namespace
}  // namespace tcpaccept::capture
