// Constants of the capture format, shared by both directions. formats/capture.md is their specification.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/model.h"

namespace tcpaccept::capture {

// 1: batches without an index part, tables and columns of packed batches in one. 2: as capture.md describes.
inline constexpr std::uint16_t kFormatVersion = 2;

// A frame is one Cap'n Proto message of a single segment:
//   0  u32 0 (one segment)   4  u32 words   8  root pointer   16  Frame's data: sync, crc, minimumReader, headCheck
//   32 u32 indexLength       36 u32 indexCrc, both since version 2
inline constexpr std::size_t kHeadBytes = 32;  // enough to recognise a frame and know its length
inline constexpr std::size_t kIndexHeadBytes = 40;
inline constexpr std::size_t kRootOffset = 8;
inline constexpr std::size_t kSyncOffset = 16;
inline constexpr std::size_t kCrcOffset = 24;
inline constexpr std::size_t kHeadCheckOffset = 30;
inline constexpr std::size_t kIndexLengthOffset = 32;
inline constexpr std::size_t kIndexCrcOffset = 36;
inline constexpr std::uint64_t kSync = 0x0a7063617063748a;

// No writer makes a larger frame, no reader takes one: 65535 accepts with as many listeners and peers need
// about 9 MiB in plain form.
inline constexpr std::size_t kMaxFrameBytes = std::size_t{16} << 20;

// A recorder starts a new batch at this many accepts, or after a second.
inline constexpr std::size_t kDefaultBatchEvents = 16384;

// Ids of packed columns (capture.md, section 5). Never reused.
enum class ColumnId : std::uint8_t {
  // one value
  kClockMonotonic = 1,
  kClockRealtime = 2,
  kClockBoottime = 3,
  kLedgerBegin = 4,  // relative to kClockMonotonic, modulo 2^64, as is kLedgerEnd
  kLedgerEnd = 5,
  kLedgerHits = 6,
  kLedgerMisses = 7,
  kLedgerLost = 8,
  kLedgerFiltered = 9,
  kLedgerWritten = 10,
  // a value for each listener
  kPid = 32,
  kCommHigh = 33,
  kCommLow = 34,
  kSaddrHigh = 35,
  kSaddrLow = 36,
  kSport = 37,
  kFamily = 38,
  kInKernel = 39,
  kProtocol = 40,
  kNetns = 41,
  kCgroup = 42,
  kBacklog = 43,
  kNspid = 44,
  // a value for each peer
  kPeerHigh = 64,
  kPeerLow = 65,
  // a value for each of the first peers
  kPeerV4 = 66,
  // a value for each event
  kTime = 96,
  kListener = 97,
  kPeer = 98,
  kRport = 99,
  kTid = 100,
  kCpu = 101,
  kWait = 102,
  kAhead = 103,
  kRtt = 104,
  kLeft = 105,
};

// A set of columns of events.
using Columns = std::uint32_t;
constexpr Columns columns_of() { return 0; }
template <typename... More>
constexpr Columns columns_of(ColumnId id, More... more) {
  return std::uint32_t{1} << (static_cast<unsigned>(id) - static_cast<unsigned>(ColumnId::kTime)) | columns_of(more...);
}
inline constexpr Columns kAllColumns =
    columns_of(ColumnId::kTime, ColumnId::kListener, ColumnId::kPeer, ColumnId::kRport, ColumnId::kTid, ColumnId::kCpu,
               ColumnId::kWait, ColumnId::kAhead, ColumnId::kRtt, ColumnId::kLeft);

}  // namespace tcpaccept::capture
