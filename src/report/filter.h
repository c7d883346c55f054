// Which accepts to show.
//
// A Filter is compiled against each batch: everything that depends on the listener or on the remote address is
// answered once per entry of those small tables, the time window by binary search, and only then are columns
// scanned, two bytes an event, without a branch per row. A batch that cannot match costs its tables: its columns need
// not even be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/codec.h"
#include "capture/model.h"
#include "core/ip_address.h"

namespace tcpaccept::report {

// An end of the time window.
struct TimeBound {
  bool relative = false;        // to the first accept of the inputs, before any filter
  std::int64_t nanoseconds = 0;  // since that accept, or since 1970 UTC

  bool operator==(const TimeBound&) const = default;
};

// What was asked for. Values of one kind are alternatives, kinds are combined: all must hold. Empty = any.
struct FilterSpec {
  std::vector<std::uint32_t> pids{};
  std::vector<std::string> comms{};     // whole names, raw bytes
  std::vector<std::uint16_t> ports{};   // local
  std::vector<std::uint16_t> rports{};  // remote
  std::vector<IpPrefix> raddrs{};
  std::vector<IpPrefix> saddrs{};
  std::vector<std::uint32_t> netns{};     // inode numbers of network namespaces
  std::vector<std::uint64_t> cgroups{};   // cgroup v2 ids; alternatives to the paths
  std::vector<std::string> cgroup_paths{};  // raw bytes; each stands for what is below it as well
  std::optional<std::uint64_t> wait_over_us{};  // waited longer than this; accepts without the figure do not match
  int family = 0;  // 4 or 6 as shown (an IPv4 client of an IPv6 socket counts as 4); 0 = both
  std::optional<TimeBound> since{};  // from this instant on
  std::optional<TimeBound> until{};  // up to, not including, this instant

  bool empty() const { return *this == FilterSpec{}; }
  bool operator==(const FilterSpec&) const = default;
  bool needs_first_accept() const { return (since && since->relative) || (until && until->relative); }
};

class Filter {
 public:
  explicit Filter(FilterSpec spec);

  const FilterSpec& spec() const { return spec_; }

  // The columns select() looks at.
  capture::Columns columns() const;

  // False: no event of the batch can match. By its time window and listeners, and, with `by_peers`, by its peers, which
  // its tables must then hold. `first_accept` as below.
  bool may_match(const capture::BatchFrame& batch, capture::WideTime first_accept, bool by_peers);
  bool needs_peers() const { return !raddrs_.empty(); }

  // Sets `rows` to the numbers of the matching rows in [from, events), ascending. The batch holds that many events, of
  // which only columns() are looked at. `first_accept`: the instant relative bounds count from, on this batch's
  // CLOCK_MONOTONIC; ignored without relative bounds. Not thread safe: one Filter a thread.
  void select(const capture::Batch& batch, std::uint32_t from, std::uint32_t events, capture::WideTime first_accept,
              std::vector<std::uint32_t>& rows);

 private:
  // A prefix as two masked words, so that testing a table of addresses is a few instructions each.
  struct Prefix {
    std::uint64_t high, low, high_mask, low_mask;
    bool refuses_v4;
    bool contains(const IpAddress& address) const;
  };
  enum class Verdict { kNone, kSome, kAll };

  static std::vector<Prefix> compile(const std::vector<IpPrefix>& prefixes);
  bool matches(const Listener& listener, const capture::Batch& batch) const;
  bool matches_cgroup(std::uint64_t id, const capture::Batch& batch) const;
  Verdict judge_listeners(const capture::Batch& batch);
  Verdict judge_peers(const capture::Batch& batch);

  FilterSpec spec_;
  std::vector<Prefix> raddrs_;
  std::vector<Prefix> saddrs_;
  bool by_listener_ = false;
  std::vector<std::uint8_t> rport_wanted_;    // 65,536 flags, or empty for none or one port
  std::vector<std::uint8_t> port_wanted_;     // 65,536 flags, or empty for none
  std::vector<std::uint8_t> listener_wanted_;  // of the current batch
  std::vector<std::uint8_t> peer_wanted_;      // of the current batch
};

}  // namespace tcpaccept::report
