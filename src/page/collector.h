// What a page shows of the accepts, gathered in one pass and in bounded memory (some 15 MB at most).
//
// Rows come in any number, in time order as far as the clocks allow; what is kept of them: counts for each bin of time,
// listener, remote address and network, the queue figures for each bin of time, and the first rows themselves. Whatever
// does not fit is counted. All times are wall time, nanoseconds since 1970 UTC: the page may be of several hosts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/model.h"
#include "core/accept.h"
#include "page/frequent.h"
#include "page/time_bins.h"
#include "text/row_writer.h"

namespace tcpaccept::page {

// Of a fine bin of time.
struct Bin {
  std::uint64_t accepts = 0;
  std::uint64_t ahead_known = 0;  // accepts of which `ahead` is recorded
  std::uint64_t ahead_sum = 0;
  std::uint32_t ahead_max = 0;

  Bin& operator+=(const Bin& other);
};

// Waits of a coarse bin of time, in microseconds, as a histogram: eight buckets for each doubling, so a quantile is off
// by 6 % at most.
struct Waits {
  static constexpr std::size_t kBuckets = 304;  // the last one also holds what is longer, from 2^40 us on

  // Waits of bucket `bucket` begin here.
  static std::uint64_t begin(std::size_t bucket);
  static std::size_t bucket(std::uint64_t wait_us);

  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t max = 0;

  Waits& operator+=(const Waits& other);
};

// Accepts of one name on one local address and port, whatever number of processes share it.
struct ListenerKey {
  Comm comm;
  IpAddress saddr;
  std::uint16_t sport = 0;
  bool in_kernel = false;
  std::uint32_t netns = 0;

  static ListenerKey of(const Listener& listener);
  bool operator==(const ListenerKey&) const = default;
};

struct ListenerStats {
  ListenerKey key;
  std::uint32_t pid = 0;      // of the first accept
  bool several_pids = false;  // there were others
  std::string cgroup_path;    // of the first accept
  std::uint64_t accepts = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::optional<std::uint32_t> ahead_max{};
  std::optional<std::uint64_t> wait_max{};  // microseconds
  Series<std::uint64_t> series{Axis::kMostCoarse};  // accepts by coarse bin
};

// One of the first rows. Values as in Accept.
struct Row {
  std::int64_t time = 0;
  std::uint32_t pid = 0;
  Comm comm;
  IpAddress saddr;
  IpAddress raddr;
  std::uint16_t sport = 0;
  std::uint16_t rport = 0;
  std::uint32_t ahead = kNotRecorded32;
  std::uint32_t rtt_us = kNotRecorded32;
  std::uint64_t wait_us = kNotRecorded64;
};

class Collector {
 public:
  static constexpr std::size_t kMostListeners = 1000;

  // `rows`: of the first so many accepts everything is kept.
  explicit Collector(std::size_t rows) : most_rows_(rows) {}

  static capture::Columns columns();

  // Adds rows of a batch. Nothing is borrowed beyond the call.
  void add(const capture::Batch& batch, text::Selection rows);

  std::uint64_t accepts() const { return accepts_; }
  std::uint64_t accepts_v4() const { return accepts_v4_; }
  // Of the earliest and the latest accept, if there is one.
  std::int64_t first() const { return first_; }
  std::int64_t last() const { return last_; }

  const Axis& axis() const { return axis_; }
  const Series<Bin>& bins() const { return bins_; }
  // nullptr: no wait was recorded. By coarse bin.
  const Series<Waits>* waits() const { return waits_ ? &*waits_ : nullptr; }
  const std::vector<ListenerStats>& listeners() const { return listeners_; }  // by first appearance
  std::uint64_t other_accepts() const { return other_accepts_; }  // of listeners beyond kMostListeners
  const FrequentAddresses& addresses() const { return addresses_; }
  // First addresses of IPv4 networks of 24 bits and IPv6 networks of 48.
  const FrequentAddresses& networks() const { return networks_; }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  struct KeyHash {
    std::size_t operator()(const ListenerKey& key) const;
  };
  static constexpr std::uint32_t kUnknown = 0xffffffff;
  static constexpr std::uint32_t kOther = 0xfffffffe;

  std::uint32_t slot_of(const capture::Batch& batch, const Listener& listener, std::int64_t time);
  void enter(std::int64_t time);
  void keep_rows(const capture::Batch& batch, text::Selection rows);
  void count_peers(const capture::Batch& batch);

  std::size_t most_rows_;
  std::uint64_t accepts_ = 0;
  std::uint64_t accepts_v4_ = 0;
  std::uint64_t other_accepts_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;

  Axis axis_;
  Series<Bin> bins_{Axis::kMostBins};
  std::optional<Series<Waits>> waits_;
  std::vector<ListenerStats> listeners_;
  std::unordered_map<ListenerKey, std::uint32_t, KeyHash> slots_;
  FrequentAddresses addresses_;
  FrequentAddresses networks_;
  std::vector<Row> rows_;

  // The fine bin of the accept seen last.
  std::int64_t bin_ = 0;
  std::int64_t bin_begin_ = 0;
  std::int64_t bin_length_ = 0;  // 0 = none yet

  // Of the batch under way: by its listeners and peers. All kUnknown or 0 between two calls.
  std::vector<std::uint32_t> slot_by_listener_;
  std::vector<std::uint16_t> touched_listeners_;
  std::vector<std::uint32_t> count_by_peer_;
  std::vector<std::uint16_t> touched_peers_;
  std::vector<FrequentAddresses::Entry> counted_peers_;
};

}  // namespace tcpaccept::page
