#include "page/frequent.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tcpaccept::page {
namespace {

constexpr std::size_t kSmallest = 64;

std::uint64_t mixed(std::uint64_t value) {
  value ^= value >> 32;
  value *= 0x9e3779b97f4a7c15;
  value ^= value >> 29;
  value *= 0xbf58476d1ce4e5b9;
  return value ^ value >> 32;
}

}  // namespace

FrequentAddresses::FrequentAddresses(std::uint64_t seed, std::size_t most)
    : seed_(seed), most_(most), table_(kSmallest) {}

std::size_t FrequentAddresses::place_of(const IpAddress& address) const {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.bytes.data(), sizeof high);
  std::memcpy(&low, address.bytes.data() + sizeof high, sizeof low);
  const std::size_t mask = table_.size() - 1;
  std::size_t place = mixed(mixed(high ^ seed_) + low) & mask;
  while (table_[place].count != 0 && table_[place].address != address) place = (place + 1) & mask;
  return place;
}

void FrequentAddresses::add(const IpAddress& address, std::uint64_t count) {
  if (count == 0) return;
  Entry& entry = table_[place_of(address)];
  if (entry.count == 0) {
    entry.address = address;
    ++size_;
  }
  entry.count += count;
  if (size_ > most_) {
    forget_the_rare();
  } else if (size_ > table_.size() / 4 * 3) {
    std::vector<Entry> old(table_.size() * 2);
    old.swap(table_);
    for (const Entry& one : old) {
      if (one.count != 0) table_[place_of(one.address)] = one;
    }
  }
}

void FrequentAddresses::forget_the_rare() {
  std::vector<std::uint64_t> counts;
  counts.reserve(size_);
  for (const Entry& entry : table_) {
    if (entry.count != 0) counts.push_back(entry.count);
  }
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  error_ += *middle;
  std::vector<Entry> old(table_.size());
  old.swap(table_);
  size_ = 0;
  for (const Entry& one : old) {
    if (one.count <= *middle) continue;
    table_[place_of(one.address)] = {one.address, one.count - *middle};
    ++size_;
  }
}

std::vector<FrequentAddresses::Entry> FrequentAddresses::top(std::size_t limit) const {
  std::vector<Entry> entries;
  entries.reserve(size_);
  for (const Entry& entry : table_) {
    if (entry.count != 0) entries.push_back(entry);
  }
  limit = std::min(limit, entries.size());
  std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(limit), entries.end(),
                    [](const Entry& a, const Entry& b) { return a.count != b.count ? a.count > b.count : a.address < b.address; });
  entries.resize(limit);
  return entries;
}

}  // namespace tcpaccept::page
