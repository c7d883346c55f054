// The most frequent addresses of any number, in bounded memory.
//
// Counts are exact as long as all addresses fit. When they do not, the median of all counts is taken off each and the
// addresses that are left with nothing are forgotten (Anderson, Bevin, Lang, Liberty, Rhodes, Thaler: "A
// High-Performance Algorithm for Identifying Frequent Items in Data Streams", 2017). Whoever counts more often than
// error() is certainly there; its true count lies between count and count + error(). Space-saving was refused: it needs
// an order among the counters at every step, this one only when the table is full.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ip_address.h"

namespace tcpaccept::page {

class FrequentAddresses {
 public:
  static constexpr std::size_t kMost = 65'536;

  struct Entry {
    IpAddress address;
    std::uint64_t count = 0;  // at least so often
    bool operator==(const Entry&) const = default;
  };

  // `most`: addresses that are counted at a time.
  explicit FrequentAddresses(std::size_t most = kMost);

  // Many at once are several times as fast: the table is larger than the processor's nearer caches.
  void add(std::span<const Entry> entries);
  void add(const IpAddress& address, std::uint64_t count);

  // Up to `limit` of the most frequent; the smaller address first where counts are equal.
  std::vector<Entry> top(std::size_t limit) const;
  // 0 = every count is exact, and none was forgotten.
  std::uint64_t error() const { return error_; }
  // Addresses that are counted now: all there were, if error() is 0.
  std::size_t size() const { return size_; }

 private:
  std::size_t first_place(const IpAddress& address) const;
  std::size_t place_of(const IpAddress& address) const;
  void forget_the_rare();

  std::size_t most_;
  std::size_t size_ = 0;
  std::uint64_t error_ = 0;
  std::vector<Entry> table_;  // open addressing; count 0 = free; a power of two, grows up to twice `most` and more
};

}  // namespace tcpaccept::page
