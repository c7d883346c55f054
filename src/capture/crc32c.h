// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) as in RFC 3720, appendix B.4.
#pragma once

#include <cstdint>

#include "core/byte_cursor.h"

namespace tcpaccept::capture {

std::uint32_t crc32c(Bytes bytes);

// The checksum of a frame: over all its bytes with the checksum field itself taken as zero.
// `frame` holds at least kHeadBytes.
std::uint32_t frame_checksum(Bytes frame);

// The checksum of a frame's index part: both checksum fields taken as zero. `index` holds at least kIndexHeadBytes.
std::uint32_t index_checksum(Bytes index);

// The check over a frame's first 16 bytes, its lengths.
std::uint16_t head_checksum(Bytes frame);

}  // namespace tcpaccept::capture
