// What a program frees it will want again soon. For main(), before there are threads.
#pragma once

#include <malloc.h>

namespace tcpaccept {

// A buffer for each batch would otherwise be mapped, cleared by the kernel page by page, and given back, each time: a
// sixth of the recorder's processor time.
inline void keep_freed_memory() {
#ifdef M_MMAP_THRESHOLD
  constexpr int kLargest = 32 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargest);      // NOLINT(concurrency-mt-unsafe)
  ::mallopt(M_TRIM_THRESHOLD, 2 * kLargest);  // NOLINT(concurrency-mt-unsafe)
#endif
}

}  // namespace tcpaccept
