// The frame of perf records: a header whose length field rules.
//
// Shared by the ring walk, the decoder and whoever replays saved bytes, so that there is one idea of what a
// whole record is. Layout: struct perf_event_header, include/uapi/linux/perf_event.h.
#pragma once

#include <cstdint>

#include "core/byte_cursor.h"

namespace tcpaccept::perf {

struct RecordHeader {
  std::uint32_t type = 0;
  std::uint16_t misc = 0;
  std::uint16_t size = 0;  // of the whole record, header included
};
static_assert(sizeof(RecordHeader) == 8);

// In `misc` of samples that are made up from elsewhere (kernel/rescue.h): their neighbours are none of theirs. The kernel
// leaves this bit to tools (PERF_RECORD_MISC_PROC_MAP_PARSE_TIMEOUT, include/uapi/linux/perf_event.h).
inline constexpr std::uint16_t kMadeUp = 1u << 12;

// A size the kernel can have written: room for the header, and the multiple of 8 all records are padded to.
constexpr bool plausible_record_size(std::uint16_t size) { return size >= sizeof(RecordHeader) && size % 8 == 0; }

// Cuts the first whole record off `rest` into `record`. False at the end and when what is left is not a whole
// record; `rest` is then unchanged, so a caller tells the two apart by rest.empty().
inline bool next_record(Bytes& rest, Bytes& record) {
  if (rest.size() < sizeof(RecordHeader)) return false;
  const auto header = load<RecordHeader>(rest.data());
  if (!plausible_record_size(header.size) || header.size > rest.size()) return false;
  record = rest.first(header.size);
  rest = rest.subspan(header.size);
  return true;
}

}  // namespace tcpaccept::perf
