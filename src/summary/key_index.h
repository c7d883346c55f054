// Numbers keys in the order of their appearance: 0, 1, 2, ...
//
// An open hash table. Keys come from strangers, who must not be able to choose such as all fall into one place: the
// hash function has a secret of this process. Nothing that depends on it is ever seen.
#pragma once

#include <cstdint>
#include <vector>

#include "summary/key.h"

namespace tcpaccept::summary {

class KeyIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // Takes at most so many keys. Memory grows with those that are there: 24 bytes each and 8 to 16 for the table.
  explicit KeyIndex(std::uint32_t capacity) : capacity_(capacity) {}

  // The number of the key, or kNone.
  std::uint32_t find(const Key& key) const;
  // The same, but a new key is taken; kNone when there is no room.
  std::uint32_t add(const Key& key);

  std::uint32_t size() const { return static_cast<std::uint32_t>(keys_.size()); }
  const Key& operator[](std::uint32_t number) const { return keys_[number]; }
  void clear();

 private:
  std::size_t place_of(const Key& key) const;
  void grow();

  std::uint32_t capacity_;
  std::vector<Key> keys_;
  std::vector<std::uint32_t> slots_;  // numbers; a power of two of them, at most half taken
};

}  // namespace tcpaccept::summary
