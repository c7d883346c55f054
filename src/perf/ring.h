// The walk over one perf ring: memory shared with the kernel, read as whole records in one linear piece.
//
// Pure: it is given the control page and the data span and owns neither, so it runs on heap memory in tests as
// on a mapping of the kernel's. This is the only code that touches shared memory, and the ordering is:
//   - data_head is loaded once per drain with acquire: all records below it are then visible, and what the kernel
//     adds meanwhile waits for the next drain, which bounds the work of this one;
//   - data_tail is stored once, at the end, with release: the kernel may overwrite what lies below it, so our
//     copies must be finished first. Nobody but us writes it.
// Records are copied out instead of handed out in place: the copy is a memcpy at memory speed, it frees the ring
// before anything is decoded, it needs no special case for wrapped records, and it can be saved for a replay.
#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tcpaccept::perf {

class RingReader {
 public:
  // `data` is the ring's data area; its size must be a power of two and at least 8 (the mapping's owner sees to
  // that; Error otherwise). Both must outlive the reader.
  RingReader(perf_event_mmap_page* page, std::span<const std::byte> data);

  // Appends the whole records available now to `to`, in order, and returns how many bytes that were.
  //
  // A record whose length cannot be (0, not a multiple of 8, more than is there) means that the ring's content
  // is not to be trusted: everything up to the head is skipped and counted by corrupt(); whole records before
  // it are kept.
  std::size_t drain(std::vector<std::byte>& to);

  // Where the kernel writes next, in bytes since the ring was made: every record moves it.
  std::uint64_t head() const;

  // Drains that met such a record, and bytes they skipped.
  std::uint64_t corrupt() const { return corrupt_; }
  std::uint64_t skipped_bytes() const { return skipped_bytes_; }

 private:
  void append(std::uint64_t position, std::size_t size, std::vector<std::byte>& to) const;

  perf_event_mmap_page* page_;
  std::span<const std::byte> data_;
  std::uint64_t corrupt_ = 0;
  std::uint64_t skipped_bytes_ = 0;
};

}  // namespace tcpaccept::perf
