// A packed column: n unsigned integers in few bytes, quick to decode, each column by itself.
//
// The values are reduced (minus a base, or to differences), cut into byte planes (all low bytes, then all second
// bytes, ...), and each plane is stored as it is or compressed with zstd, whichever is smaller. Planes of one
// column differ too much in entropy to share a Huffman table: split, the random ones stay raw and cost nothing
// to read. capture.md, section 5, is the specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "capture/format.h"
#include "core/byte_cursor.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace tcpaccept::capture {

class ColumnPacker {
 public:
  ColumnPacker();
  ~ColumnPacker();

  // Appends one column to `out`. `delta` suits values that do not decrease.
  // A column whose values all equal `absent` is left out: readers fill in that default.
  void pack(ColumnId id, std::span<const std::uint64_t> values, bool delta, std::uint64_t absent,
            std::vector<std::byte>& out);

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> context_;
  std::vector<std::uint64_t> reduced_;
  std::vector<std::byte> plane_;
  std::vector<std::byte> compressed_;
};

// One column as found, not yet decoded. Borrows the bytes it was parsed from.
struct PackedColumn {
  ColumnId id{};
  bool delta = false;
  unsigned width = 0;      // byte planes, 0 to 8
  std::uint64_t base = 0;
  struct Plane {
    Bytes bytes;
    bool compressed = false;
  };
  Plane planes[8];
};

// Takes the next column off `cursor`. False: malformed. Ids unknown to this version are given out like others.
bool take_packed_column(ByteCursor& cursor, PackedColumn& out);

class ColumnUnpacker {
 public:
  ColumnUnpacker();
  ~ColumnUnpacker();

  // Fills `out` with its size's worth of values, sums taken modulo T's range. False: malformed (planes of another
  // length, more planes than T has bytes, a base that is no T). Memory: at most out.size() bytes beyond `out` for each plane, whatever the input claims.
  template <typename T>
  bool unpack(const PackedColumn& column, std::span<T> out);

 private:
  bool load_plane(const PackedColumn::Plane& plane, std::size_t count, std::size_t index, const std::uint8_t** out);

  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, FreeContext> context_;
  std::vector<std::uint8_t> scratch_;  // decompressed planes, side by side
};

extern template bool ColumnUnpacker::unpack<std::uint8_t>(const PackedColumn&, std::span<std::uint8_t>);
extern template bool ColumnUnpacker::unpack<std::uint16_t>(const PackedColumn&, std::span<std::uint16_t>);
extern template bool ColumnUnpacker::unpack<std::uint32_t>(const PackedColumn&, std::span<std::uint32_t>);
extern template bool ColumnUnpacker::unpack<std::uint64_t>(const PackedColumn&, std::span<std::uint64_t>);

}  // namespace tcpaccept::capture
