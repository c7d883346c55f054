#include "capture/crc32c.h"

#include <isa-l/crc.h>

#include <array>

#include "capture/format.h"

namespace tcpaccept::capture {
namespace {

constexpr std::array<std::byte, 4> kZero{};

std::uint32_t update(std::uint32_t state, Bytes bytes) {
  // isa-l takes a non-const pointer and an int length, and leaves the final inversion to the caller.
  // Frames are far below 2 GiB.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  return crc32_iscsi(data, static_cast<int>(bytes.size()), state);
}

}  // namespace

std::uint32_t crc32c(Bytes bytes) { return ~update(~0u, bytes); }

std::uint32_t frame_checksum(Bytes frame) {
  std::uint32_t state = update(~0u, frame.first(kCrcOffset));
  state = update(state, kZero);
  return ~update(state, frame.subspan(kCrcOffset + kZero.size()));
}

std::uint32_t index_checksum(Bytes index) {
  std::uint32_t state = update(~0u, index.first(kCrcOffset));
  state = update(state, kZero);
  state = update(state, index.subspan(kCrcOffset + kZero.size(), kIndexCrcOffset - kCrcOffset - kZero.size()));
  state = update(state, kZero);
  return ~update(state, index.subspan(kIndexCrcOffset + kZero.size()));
}

std::uint16_t head_checksum(Bytes frame) { return static_cast<std::uint16_t>(crc32c(frame.first(kSyncOffset))); }

}  // namespace tcpaccept::capture
