#include "summary/heavy_hitters.h"

#include <algorithm>
#include <utility>

namespace tcpaccept::summary {

void HeavyHitters::add(const Key& key, std::uint64_t times, const Comm& name) {
  std::uint32_t number = index_.find(key);
  if (number == KeyIndex::kNone) {
    if (index_.size() == keys_) make_room();
    number = index_.add(key);
    entries_.push_back({.key = key, .count = 0, .excess = error_, .name = {}});
    seen_.add(spread(key));
  }
  entries_[number].count += times;
  entries_[number].name = name;
}

// Half of the keys go: those that cannot have come more often than the one in the middle.
void HeavyHitters::make_room() {
  std::vector<std::uint64_t> most;
  most.reserve(entries_.size());
  for (const Entry& entry : entries_) most.push_back(entry.count + entry.excess);
  const auto middle = most.begin() + static_cast<std::ptrdiff_t>(most.size() / 2);
  std::nth_element(most.begin(), middle, most.end());
  error_ = *middle;
  std::erase_if(entries_, [&](const Entry& entry) { return entry.count + entry.excess <= error_; });
  index_.clear();
  for (const Entry& entry : entries_) index_.add(entry.key);
}

std::vector<HeavyHitters::Entry> HeavyHitters::top(std::size_t most) const {
  std::vector<Entry> sorted(std::min(most, entries_.size()));
  std::partial_sort_copy(entries_.begin(), entries_.end(), sorted.begin(), sorted.end(),
                         [](const Entry& a, const Entry& b) {
                           return a.count != b.count ? a.count > b.count : a.key < b.key;
                         });
  return sorted;
}

}  // namespace tcpaccept::summary
