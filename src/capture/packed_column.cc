#include "capture/packed_column.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace tcpaccept::capture {
namespace {

constexpr int kLevel = 3;
constexpr unsigned kDeltaFlag = 0x10;
constexpr unsigned kKnownFlags = 0x1f;
// Below this a plane cannot win anything over zstd's own header.
constexpr std::size_t kSmallestToCompress = 24;

void append(std::vector<std::byte>& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

template <typename T>
T low_bits(std::uint64_t value) {
  return static_cast<T>(value);
}

}  // namespace

void ColumnPacker::FreeContext::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }
void ColumnUnpacker::FreeContext::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

ColumnPacker::ColumnPacker() : context_(ZSTD_createCCtx()) {}
ColumnPacker::~ColumnPacker() = default;
ColumnUnpacker::ColumnUnpacker() : context_(ZSTD_createDCtx()) {}
ColumnUnpacker::~ColumnUnpacker() = default;

void ColumnPacker::pack(ColumnId id, std::span<const std::uint64_t> values, bool delta, std::uint64_t absent,
                        std::vector<std::byte>& out) {
  if (std::all_of(values.begin(), values.end(), [&](std::uint64_t v) { return v == absent; })) return;

  const std::size_t count = values.size();
  reduced_.resize(count);
  const std::uint64_t base = delta ? values[0] : *std::min_element(values.begin(), values.end());
  std::uint64_t all = 0;
  std::uint64_t previous = base;
  for (std::size_t i = 0; i < count; ++i) {
    reduced_[i] = values[i] - previous;
    if (delta) previous = values[i];
    all |= reduced_[i];
  }
  const auto width = static_cast<unsigned>((std::bit_width(all) + 7) / 8);

  out.push_back(static_cast<std::byte>(id));
  out.push_back(static_cast<std::byte>(width | (delta ? kDeltaFlag : 0)));
  append_varint(out, base);
  plane_.resize(count);
  for (unsigned shift = 0; shift < width * 8; shift += 8) {
    for (std::size_t i = 0; i < count; ++i) plane_[i] = static_cast<std::byte>(reduced_[i] >> shift);
    if (count >= kSmallestToCompress) {
      compressed_.resize(ZSTD_compressBound(count));
      const std::size_t size =
          ZSTD_compressCCtx(context_.get(), compressed_.data(), compressed_.size(), plane_.data(), count, kLevel);
      if (ZSTD_isError(size) == 0 && size < count) {
        append_varint(out, size << 1 | 1);
        append(out, Bytes{compressed_.data(), size});
        continue;
      }
    }
    append_varint(out, count << 1);
    append(out, plane_);
  }
}

bool take_packed_column(ByteCursor& cursor, PackedColumn& out) {
  std::uint8_t id = 0;
  std::uint8_t form = 0;
  if (!cursor.take(id) || !cursor.take(form) || !cursor.take_varint(out.base)) return false;
  out.id = static_cast<ColumnId>(id);
  out.width = form & 0x0f;
  out.delta = (form & kDeltaFlag) != 0;
  if (out.width > 8 || (form & ~kKnownFlags) != 0) return false;
  for (unsigned i = 0; i < out.width; ++i) {
    std::uint64_t head = 0;
    if (!cursor.take_varint(head) || head >> 1 > cursor.left()) return false;
    out.planes[i].compressed = (head & 1) != 0;
    if (!cursor.take_bytes(static_cast<std::size_t>(head >> 1), out.planes[i].bytes)) return false;
  }
  return true;
}

bool ColumnUnpacker::load_plane(const PackedColumn::Plane& plane, std::size_t count, std::size_t index,
                                const std::uint8_t** out) {
  if (!plane.compressed) {
    *out = reinterpret_cast<const std::uint8_t*>(plane.bytes.data());
    return plane.bytes.size() == count;
  }
  std::uint8_t* to = scratch_.data() + index * count;
  // The destination is sized by us, so a plane that expands to more fails instead of growing.
  const std::size_t size = ZSTD_decompressDCtx(context_.get(), to, count, plane.bytes.data(), plane.bytes.size());
  *out = to;
  return ZSTD_isError(size) == 0 && size == count;
}

template <typename T>
bool ColumnUnpacker::unpack(const PackedColumn& column, std::span<T> out) {
  const std::size_t count = out.size();
  if (column.width > sizeof(T) || column.base > std::numeric_limits<T>::max()) return false;
  const std::uint8_t* planes[8] = {};
  scratch_.resize(std::max(scratch_.size(), count * column.width));
  for (unsigned i = 0; i < column.width; ++i) {
    if (!load_plane(column.planes[i], count, i, &planes[i])) return false;
  }

  if (column.delta) {
    std::uint64_t value = column.base;
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t step = 0;
      for (unsigned p = 0; p < column.width; ++p) step |= std::uint64_t{planes[p][i]} << (8 * p);
      value += step;
      out[i] = low_bits<T>(value);
    }
    return true;
  }

  const T base = low_bits<T>(column.base);
  // A loop for each width, so that the compiler can vectorise them.
  switch (column.width) {
    case 0:
      std::fill(out.begin(), out.end(), base);
      return true;
    case 1:
      for (std::size_t i = 0; i < count; ++i) out[i] = low_bits<T>(base + std::uint64_t{planes[0][i]});
      break;
    case 2:
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = low_bits<T>(base + (std::uint64_t{planes[0][i]} | std::uint64_t{planes[1][i]} << 8));
      }
      break;
    default:
      for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t value = 0;
        for (unsigned p = 0; p < column.width; ++p) value |= std::uint64_t{planes[p][i]} << (8 * p);
        out[i] = low_bits<T>(base + value);
      }
  }
  return true;
}

template bool ColumnUnpacker::unpack<std::uint8_t>(const PackedColumn&, std::span<std::uint8_t>);
template bool ColumnUnpacker::unpack<std::uint16_t>(const PackedColumn&, std::span<std::uint16_t>);
template bool ColumnUnpacker::unpack<std::uint32_t>(const PackedColumn&, std::span<std::uint32_t>);
template bool ColumnUnpacker::unpack<std::uint64_t>(const PackedColumn&, std::span<std::uint64_t>);

}  // namespace tcpaccept::capture
