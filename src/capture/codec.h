// Values to frames and back: the only place that knows the generated Cap'n Proto code.
//
// Both directions stand side by side over format.h, so that they cannot drift apart. Encoder and Decoder keep
// their buffers between calls; what they return is borrowed and valid until the next call.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "capture/format.h"
#include "capture/model.h"
#include "core/byte_cursor.h"

namespace tcpaccept::capture {

enum class Packing {
  kPacked,  // packed columns: about 6 bytes for each accept
  kPlain,   // typed lists: readable by `capnp decode` and by every Cap'n Proto library
};

class Encoder {
 public:
  Encoder();
  ~Encoder();
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;

  // Each gives one whole frame. A batch holds 1 to kMaxBatchEvents accepts, or none and a ledger.
  Bytes encode(const Start& start);
  Bytes encode(const Batch& batch, Packing packing);
  Bytes encode(const End& end);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The length of the frame that begins with these bytes (at least kHeadBytes of them), or nothing if no frame can
// begin so. Looks at the lengths, the sync word and the head check only.
std::optional<std::size_t> frame_length(Bytes head);

// The length of the index part of a frame, by the frame's first kIndexHeadBytes bytes, or 0 if it has none or one that
// cannot be. Whether it is intact, index_checksum tells.
std::size_t index_length(Bytes head, std::size_t frame_length);

// A batch of which only the tables are decoded.
struct BatchFrame {
  const Batch* tables = nullptr;  // no columns, and peers only after Decoder::read_peers(); borrowed
  std::uint32_t events = 0;
  std::size_t peers = 0;
  std::uint64_t first_time = 0;  // of its events, CLOCK_MONOTONIC; 0 without events
  std::uint64_t last_time = 0;
};

class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  enum class Kind {
    kStart,
    kBatch,
    kEnd,
    kUnknown,    // a newer recorder's; why() says what this version lacks
    kMalformed,  // not what a recorder writes; why() says where it went wrong
  };

  // `frame` is a whole frame as told by frame_length, or its index part, at an address divisible by 8; it must last as
  // long as read() is called. Never throws on content.
  Kind decode(Bytes frame);

  const Start& start() const;
  const BatchFrame& batch() const;
  const End& end() const;
  const std::string& why() const;

  // After kBatch. Adds the peers to the tables. False: malformed.
  bool read_peers();
  // After kBatch of a whole frame, once: moves the tables to `to`, whose memory is used again, and adds the wanted
  // columns, and the peers if theirs is wanted. False: malformed; `to` is then of no use.
  bool read(Columns wanted, Batch& to);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpaccept::capture
