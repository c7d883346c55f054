// Reading a capture front to back, from a file, a pipe or a file that still grows.
//
// The input is hostile. Memory is bounded by one frame (kMaxFrameBytes) and one decoded batch, time is linear in
// the input. Whatever cannot be read is reported as a Damage item with its place, never skipped in silence and
// never an exception; only a failing read(2) throws.
//
// The reader owns nothing but its buffers; items are valid until the next call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "capture/model.h"
#include "core/byte_cursor.h"
#include "core/unique_fd.h"

namespace tcpaccept::capture {

// Bytes that are not an intact frame of this format.
struct Damage {
  std::uint64_t offset = 0;  // of the first bad byte in the input
  std::uint64_t length = 0;  // bytes skipped to the next intact frame, or to the end
  std::string why;           // "checksum does not match", "cut short", ...
  bool tail = false;         // nothing intact follows: a torn last write, or a cut file
};

// An intact frame this version cannot use: kind or fields from a newer recorder.
struct UnknownFrame {
  std::uint64_t offset = 0;
  std::string why;
};

struct EndOfInput {};

class Reader {
 public:
  using Item = std::variant<EndOfInput, const Start*, const Batch*, const End*, const Damage*, const UnknownFrame*>;

  // Fills `to` with up to `size` bytes and returns how many; 0 = end of input (for a growing file: no more
  // for now and the caller's patience has ended). May block.
  using Read = std::function<std::size_t(std::byte* to, std::size_t size)>;

  explicit Reader(Read read);
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  // After EndOfInput every call returns EndOfInput.
  Item next();

  // Bytes consumed so far; the offset of the item returned last plus its length.
  std::uint64_t offset() const;
  // True when the input is not a capture at all: not one intact frame was found up to the end.
  bool nothing_intact() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A Read over a descriptor (borrowed; it must outlive the Read). Retries EINTR; throws Error naming `name`.
Reader::Read read_from(int fd, std::string name);

// A Read over bytes in memory (borrowed).
Reader::Read read_from(Bytes bytes);

}  // namespace tcpaccept::capture
