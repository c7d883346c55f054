// Reading a capture front to back, from a file, a pipe or a file that still grows.
//
// The input is hostile. Memory is bounded by one frame (kMaxFrameBytes) and one decoded batch, time is linear in
// the input. Whatever cannot be read is reported as a Damage item with its place, never skipped in silence and
// never an exception; only a failing read(2) throws.
//
// The readers own nothing but their buffers; items are valid until the next call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "capture/codec.h"
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

// Where bytes come from.
struct Source {
  // Fills `to` with up to `size` bytes and returns how many; 0 = end of input (for a growing file: no more
  // for now and the caller's patience has ended). May block.
  std::function<std::size_t(std::byte* to, std::size_t size)> read;
  // Passes over `count` bytes without reading them, if they are there; false: nothing happened. May be empty.
  std::function<bool(std::uint64_t count)> skip{};
};

// Frame by frame. Of a batch only the index part is read at first: a caller who does not want its events goes on to the
// next item, and a source that can skip never reads them.
class FrameReader {
 public:
  using Item = std::variant<EndOfInput, const Start*, const BatchFrame*, const End*, const Damage*, const UnknownFrame*>;

  explicit FrameReader(Source source);
  ~FrameReader();
  FrameReader(FrameReader&&) noexcept;
  FrameReader& operator=(FrameReader&&) noexcept;

  // After EndOfInput every call returns EndOfInput.
  Item next();

  // After a batch: adds the peers to its tables. False: malformed, and what is wrong is the next item.
  bool read_peers();
  // After a batch: the whole frame, its checksum proved, for a Decoder; at an address divisible by 8. Empty if it is
  // damaged: what is wrong is then the next item.
  Bytes frame();
  // After a batch: its wanted columns and everything else, moved to `to`. False: as with the others.
  bool read(Columns wanted, Batch& to);

  // Reads little more than it has to, to hold little.
  void be_frugal();
  // Bytes consumed so far; the offset of the item returned last plus its length.
  std::uint64_t offset() const;
  // After a batch: its offset.
  std::uint64_t begin() const;
  // True when the input is not a capture at all: not one intact frame was found up to the end.
  bool nothing_intact() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A FrameReader that decodes everything.
class Reader {
 public:
  using Item = std::variant<EndOfInput, const Start*, const Batch*, const End*, const Damage*, const UnknownFrame*>;

  explicit Reader(Source source) : frames_(std::move(source)) {}

  Item next();
  std::uint64_t offset() const { return frames_.offset(); }
  bool nothing_intact() const { return frames_.nothing_intact(); }

 private:
  FrameReader frames_;
  Batch batch_;
};

// A Source over a descriptor (borrowed; it must outlive the Source). Retries EINTR; throws Error naming `name`.
Source read_from(int fd, std::string name);

// A Source over bytes in memory (borrowed).
Source read_from(Bytes bytes);

}  // namespace tcpaccept::capture
