// Accepts of all CPUs in one order of time.
//
// Each CPU has its own ring, so what a round of draining brings is ordered per CPU only. Accepts wait here until
// the caller knows that nothing older can still arrive: it reads the clock before it drains (the watermark),
// drains every ring, and releases what is not younger than the watermark.
//
// A sample gets its time a moment before it becomes visible in the ring; whoever drains within that moment sees
// it one round later. A watermark one round old (read before the previous round of draining) covers this as
// well. Should an accept come even later it is still released, with the next round, and counted by late():
// nothing is ever dropped or given another time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/accept.h"

namespace tcpaccept::perf {

class TimeOrder {
 public:
  void add(const Accept& accept);

  // The accepts with time <= watermark (nanoseconds of CLOCK_MONOTONIC), oldest first; equal times by CPU, then
  // in the order they were added. The vector is valid until the next call of release or release_all.
  const std::vector<Accept>& release(std::uint64_t watermark);
  const std::vector<Accept>& release_all() { return release(std::numeric_limits<std::uint64_t>::max()); }

  std::size_t pending() const { return pending_.size(); }
  // Accepts so far that were older than the youngest one released before them.
  std::uint64_t late() const { return late_; }

 private:
  struct Key {
    std::uint64_t time;
    std::uint32_t cpu;
    std::uint32_t index;  // into pending_
  };

  std::vector<Accept> pending_;
  std::vector<Accept> released_;
  std::vector<Key> keys_;
  std::uint64_t newest_released_ = 0;
  std::uint64_t late_ = 0;
};

}  // namespace tcpaccept::perf
