#include "perf/merger.h"

#include <algorithm>

namespace tcpaccept::perf {

void TimeOrder::add(const Accept& accept) { pending_.push_back(accept); }

const std::vector<Accept>& TimeOrder::release(std::uint64_t watermark) {
  released_.clear();
  keys_.clear();
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Accept& accept = pending_[i];
    if (accept.time > watermark) continue;
    keys_.push_back({.time = accept.time, .cpu = accept.cpu, .index = static_cast<std::uint32_t>(i)});
    if (accept.time < newest_released_) ++late_;
  }
  if (keys_.empty()) return released_;

  // Keys are sorted instead of accepts, which are ten times their size. The input is a handful of sorted runs,
  // and a single one where one CPU did all the work.
  const auto before = [](const Key& a, const Key& b) {
    if (a.time != b.time) return a.time < b.time;
    if (a.cpu != b.cpu) return a.cpu < b.cpu;
    return a.index < b.index;
  };
  if (!std::is_sorted(keys_.begin(), keys_.end(), before)) std::sort(keys_.begin(), keys_.end(), before);

  released_.reserve(keys_.size());
  for (const Key& key : keys_) released_.push_back(pending_[key.index]);
  newest_released_ = std::max(newest_released_, released_.back().time);
  std::erase_if(pending_, [&](const Accept& accept) { return accept.time <= watermark; });
  return released_;
}

}  // namespace tcpaccept::perf
