#include "perf/ring.h"

#include <algorithm>
#include <bit>

#include "core/error.h"
#include "perf/record.h"

namespace tcpaccept::perf {

RingReader::RingReader(perf_event_mmap_page* page, std::span<const std::byte> data) : page_(page), data_(data) {
  if (!std::has_single_bit(data.size()) || data.size() < sizeof(RecordHeader)) {
    throw Error{"a perf ring of " + std::to_string(data.size()) + " bytes is not a power of two"};
  }
}

// Appends `size` bytes (at most one ring) from a position that counts on for ever.
void RingReader::append(std::uint64_t position, std::size_t size, std::vector<std::byte>& to) const {
  const auto begin = static_cast<std::size_t>(position & (data_.size() - 1));
  const std::size_t until_end = std::min(size, data_.size() - begin);
  const auto straight = data_.subspan(begin, until_end);
  const auto wrapped = data_.first(size - until_end);
  to.insert(to.end(), straight.begin(), straight.end());
  to.insert(to.end(), wrapped.begin(), wrapped.end());
}

std::uint64_t RingReader::head() const { return __atomic_load_n(&page_->data_head, __ATOMIC_ACQUIRE); }

std::size_t RingReader::drain(std::vector<std::byte>& to) {
  const std::uint64_t head = this->head();
  const std::uint64_t tail = page_->data_tail;  // only we write it
  const std::uint64_t available = head - tail;
  if (available == 0) return 0;

  // Copy first, walk the copy: the lengths checked are then the lengths used, whatever happens to the ring.
  const std::size_t start = to.size();
  std::size_t whole = 0;
  if (available <= data_.size()) {
    const auto size = static_cast<std::size_t>(available);
    append(tail, size, to);
    Bytes rest{to.data() + start, size};
    Bytes record;
    while (next_record(rest, record)) whole += record.size();
  }
  to.resize(start + whole);
  if (whole != available) {
    ++corrupt_;
    skipped_bytes_ += available - whole;
  }
  __atomic_store_n(&page_->data_tail, head, __ATOMIC_RELEASE);
  return whole;
}

}  // namespace tcpaccept::perf
