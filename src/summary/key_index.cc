#include "summary/key_index.h"

#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tcpaccept::summary {
namespace {

constexpr std::size_t kFirstSlots = 64;

// What the kernel gave this process at its start: no system call, which a confined process may not have.
std::array<std::uint64_t, 2> secret() {
  std::array<std::uint64_t, 2> words{0x243f6a8885a308d3, 0x13198a2e03707344};
  const auto* random = reinterpret_cast<const std::byte*>(::getauxval(AT_RANDOM));
  if (random != nullptr) {
    words[0] ^= load<std::uint64_t>(random);
    words[1] ^= load<std::uint64_t>(random + 8);
  }
  return words;
}

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash(const Key& key) {
  static const std::array<std::uint64_t, 2> kSecret = secret();
  const std::uint64_t half = folded_product(key.first ^ kSecret[0], key.second ^ kSecret[1]);
  return folded_product(half ^ kSecret[0], key.third ^ kSecret[1] ^ 0x9e3779b97f4a7c15);
}

}  // namespace

// Where the key is, or the free slot where it belongs.
std::size_t KeyIndex::place_of(const Key& key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash(key) & mask;
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
