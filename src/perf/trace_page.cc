#include "perf/trace_page.h"

#include <algorithm>

namespace tcpaccept::perf {

bool walk_trace_page(Bytes page, const TraceRecordSink& sink) {
  constexpr std::uint64_t kLengthMask = (1u << 27) - 1;
  constexpr std::uint64_t kMissed = std::uint64_t{1} << 31;
  constexpr unsigned kPadding = 29;
  constexpr unsigned kTimeExtend = 30;
  constexpr unsigned kTimeStamp = 31;
  constexpr unsigned kDeltaBits = 27;
  ByteCursor cursor{page};
  std::uint64_t time = 0;
  std::uint64_t commit = 0;
  if (!cursor.take(time) || !cursor.take(commit)) return false;
  const bool missed = (commit & kMissed) != 0;
  cursor = ByteCursor{cursor.rest().first(std::min<std::size_t>(cursor.left(), commit & kLengthMask))};
  std::uint32_t header = 0;
  while (cursor.take(header)) {
    const unsigned type = header & 31;
    const std::uint64_t delta = header >> 5;
    std::uint32_t first = 0;
    Bytes payload;
    const bool length_in_type = type >= 1 && type < kPadding;
    if (length_in_type ? !cursor.take_bytes(type * 4, payload) : !cursor.take(first)) return missed;
    if (type == kTimeExtend) {
      time += delta + (std::uint64_t{first} << kDeltaBits);
      continue;
    }
    if (type == kTimeStamp) {  // absolute, but for its five highest bits
      constexpr std::uint64_t kHighest = std::uint64_t{31} << 59;
      time = (time & kHighest) | (delta + (std::uint64_t{first} << kDeltaBits));
      continue;
    }
    // Padding without a length is the end of the page.
    if (!length_in_type && (first < sizeof first || !cursor.take_bytes(first - sizeof first, payload))) return missed;
    time += delta;
    if (type != kPadding) sink(time, payload);
  }
  return missed;
}

}  // namespace tcpaccept::perf
