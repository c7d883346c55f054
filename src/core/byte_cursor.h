// Bounded reading of little-endian bytes that come from outside (kernel rings, files of strangers).
//
// A cursor never reads past its span: every take_* says whether it could. Lengths are compared with what is
// left, by subtraction, so no length in the input can overflow a comparison. The cursor does not own the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace tcpaccept {

using Bytes = std::span<const std::byte>;

// Unaligned load of a trivially copyable value, in host byte order. The caller has checked the bounds.
template <typename T>
T load(const std::byte* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

class ByteCursor {
 public:
  explicit ByteCursor(Bytes bytes) : bytes_(bytes) {}

  std::size_t left() const { return bytes_.size(); }
  bool at_end() const { return bytes_.empty(); }
  Bytes rest() const { return bytes_; }

  template <typename T>
  bool take(T& out) {
    if (sizeof(T) > bytes_.size()) return false;
    out = load<T>(bytes_.data());
    bytes_ = bytes_.subspan(sizeof(T));
    return true;
  }
  bool take_bytes(std::size_t count, Bytes& out) {
    if (count > bytes_.size()) return false;
    out = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return true;
  }
  bool skip(std::size_t count) {
    Bytes ignored;
    return take_bytes(count, ignored);
  }
  // LEB128, at most 10 bytes; false if it runs out of bytes or exceeds 64 bits.
  bool take_varint(std::uint64_t& out) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      std::uint8_t byte = 0;
      if (!take(byte)) return false;
      if (shift == 63 && byte > 1) return false;
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80u) == 0) {
        out = value;
        return true;
      }
    }
    return false;
  }

 private:
  Bytes bytes_;
};

}  // namespace tcpaccept
