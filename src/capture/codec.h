// Values to frames and back: the only place that knows the generated Cap'n Proto code.
//
// Both directions stand side by side over format.h, so that they cannot drift apart. Encoder and Decoder keep
// their buffers between calls; what they return is borrowed and valid until the next call.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

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

  // `frame` is a whole frame as told by frame_length, at an address divisible by 8. Never throws on content.
  Kind decode(Bytes frame);

  const Start& start() const;
  const Batch& batch() const;
  const End& end() const;
  const std::string& why() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What makes a batch unusable (column lengths, indexes, order of times), or nullptr. Every batch that leaves the
// decoder has passed it.
const char* inconsistency(const Batch& batch);

}  // namespace tcpaccept::capture
