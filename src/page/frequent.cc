#include "page/frequent.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/secret_hash.h"

namespace tcpaccept::page {
namespace {

constexpr std::size_t kSmallest = 64;

struct Words {
  std::uint64_t high;
  std::uint64_t low;
  bool operator==(const Words&) const = default;
};
Words words(const IpAddress& address) {
  Words words{};
  std::memcpy(&words, address.bytes.data(), sizeof words);
  return words;
}

}  // namespace

FrequentAddresses::FrequentAddresses(std::size_t most) : most_(most), table_(kSmallest) {}

std::size_t FrequentAddresses::first_place(const IpAddress& address) const {
  const Words key = words(address);
  return secret_hash({key.high, key.low}) & (table_.size() - 1);
}

std::size_t FrequentAddresses::place_of(const IpAddress& address) const {
  const Words key = words(address);
  std::size_t place = first_place(address);
  while (table_[place].count != 0 && words(table_[place].address) != key) place = (place + 1) & (table_.size() - 1);
  return place;
}

void FrequentAddresses::add(std::span<const Entry> entries) {
  constexpr std::size_t kAhead = 16;  // as many loads as a processor has under way
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i + kAhead < entries.size()) __builtin_prefetch(&table_[first_place(entries[i + kAhead].address)], 1);
    add(entries[i].address, entries[i].count);
  }
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
                    [](const Entry& a, const Entry& b) {
                      return a.count != b.count ? a.count > b.count : a.address < b.address;
                    });
  entries.resize(limit);
  return entries;
}

}  // namespace tcpaccept::page
