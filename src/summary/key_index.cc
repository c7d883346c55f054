#include "summary/key_index.h"

#include <algorithm>

#include "core/secret_hash.h"

namespace tcpaccept::summary {
namespace {

constexpr std::size_t kFirstSlots = 64;

}  // namespace

// Where the key is, or the free slot where it belongs.
std::size_t KeyIndex::place_of(const Key& key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = secret_hash({key.first, key.second, key.third, 0}) & mask;
  while (slots_[place] != kNone && keys_[slots_[place]] != key) place = (place + 1) & mask;
  return place;
}

std::uint32_t KeyIndex::find(const Key& key) const { return slots_.empty() ? kNone : slots_[place_of(key)]; }

std::uint32_t KeyIndex::add(const Key& key) {
  if (2 * keys_.size() >= slots_.size()) grow();
  const std::size_t place = place_of(key);
  if (slots_[place] == kNone && keys_.size() < capacity_) {
    slots_[place] = size();
    keys_.push_back(key);
  }
  return slots_[place];
}

void KeyIndex::grow() {
  slots_.assign(std::max(kFirstSlots, 2 * slots_.size()), kNone);
  for (std::uint32_t i = 0; i < size(); ++i) slots_[place_of(keys_[i])] = i;
}

void KeyIndex::clear() {
  keys_.clear();
  std::fill(slots_.begin(), slots_.end(), kNone);
}

}  // namespace tcpaccept::summary
