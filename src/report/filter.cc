#include "report/filter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>

namespace tcpaccept::report {
namespace {

template <typename T>
bool allows(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

std::uint64_t big_endian_word(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

std::uint64_t mask_of(unsigned bits) { return bits == 0 ? 0 : ~std::uint64_t{0} << (64 - std::min(bits, 64u)); }

// The bound on the batch's CLOCK_MONOTONIC, held at the ends of that clock.
std::uint64_t on_monotonic(const TimeBound& bound, const capture::ClockAnchor& clock, capture::WideTime first_accept) {
  const capture::WideTime time = bound.relative ? first_accept + bound.nanoseconds
                                       : capture::WideTime{bound.nanoseconds} - clock.realtime + clock.monotonic;
  return static_cast<std::uint64_t>(std::clamp<capture::WideTime>(time, 0, std::numeric_limits<std::uint64_t>::max()));
}

// The rows under consideration: a range of the batch, then whatever the first test leaves of it.
class Candidates {
 public:
  Candidates(std::size_t begin, std::size_t end, std::vector<std::uint32_t>& rows)
      : begin_(static_cast<std::uint32_t>(begin)), end_(static_cast<std::uint32_t>(end)), rows_(rows) {
    rows_.resize(end - begin);
  }

  // Keeps the rows for which `test(row)` is 1. Writes every row and advances by the answer: no branch to miss.
  template <typename Test>
  void keep(const Test& test) {
    std::uint32_t* const out = rows_.data();
    std::size_t kept = 0;
    if (whole_range_) {
      for (std::uint32_t row = begin_; row < end_; ++row) {
        out[kept] = row;
        kept += test(row);
      }
    } else {
      for (std::size_t i = 0; i < count_; ++i) {
        const std::uint32_t row = out[i];
        out[kept] = row;
        kept += test(row);
      }
    }
    whole_range_ = false;
    count_ = kept;
  }

  void finish() {
    if (whole_range_) {
      std::iota(rows_.begin(), rows_.end(), begin_);
    } else {
      rows_.resize(count_);
    }
  }

 private:
  std::uint32_t begin_;
  std::uint32_t end_;
  std::vector<std::uint32_t>& rows_;
  bool whole_range_ = true;
  std::size_t count_ = 0;
};

}  // namespace

Filter::Filter(FilterSpec spec)
    : spec_(std::move(spec)), raddrs_(compile(spec_.raddrs)), saddrs_(compile(spec_.saddrs)) {
  by_listener_ = !spec_.pids.empty() || !spec_.comms.empty() || !spec_.ports.empty() || !saddrs_.empty() ||
                 !spec_.netns.empty() || !spec_.cgroups.empty() ||
                 !spec_.cgroup_paths.empty() || spec_.family != 0;
  if (!spec_.ports.empty()) {
    port_wanted_.assign(65536, 0);
    for (const std::uint16_t port : spec_.ports) port_wanted_[port] = 1;
  }
  if (spec_.rports.size() > 1) {
    rport_wanted_.assign(65536, 0);
    for (const std::uint16_t port : spec_.rports) rport_wanted_[port] = 1;
  }
}

std::vector<Filter::Prefix> Filter::compile(const std::vector<IpPrefix>& prefixes) {
  std::vector<Prefix> compiled;
  for (const IpPrefix& prefix : prefixes) {
    const std::uint64_t high_mask = mask_of(prefix.length);
    const std::uint64_t low_mask = mask_of(prefix.length > 64 ? prefix.length - 64 : 0);
    compiled.push_back({.high = big_endian_word(&prefix.address.bytes[0]) & high_mask,
                        .low = big_endian_word(&prefix.address.bytes[8]) & low_mask,
                        .high_mask = high_mask,
                        .low_mask = low_mask,
                        .refuses_v4 = prefix.length < 96});
  }
  return compiled;
}

bool Filter::Prefix::contains(const IpAddress& address) const {
  const std::uint64_t its_high = big_endian_word(&address.bytes[0]);
  const std::uint64_t its_low = big_endian_word(&address.bytes[8]);
  const bool is_v4 = (its_high | (its_low >> 32 ^ 0xffff)) == 0;
  const bool same = (((its_high & high_mask) ^ high) | ((its_low & low_mask) ^ low)) == 0;
  return static_cast<bool>(same & !(is_v4 & refuses_v4));  // no branches: whole tables are looked through
}

bool Filter::matches_cgroup(std::uint64_t id, const capture::Batch& batch) const {
  if (spec_.cgroups.empty() && spec_.cgroup_paths.empty()) return true;
  if (std::find(spec_.cgroups.begin(), spec_.cgroups.end(), id) != spec_.cgroups.end()) return true;
  const std::string_view path = batch.cgroup_path(id);
  return !path.empty() && std::any_of(spec_.cgroup_paths.begin(), spec_.cgroup_paths.end(), [&](std::string_view top) {
    while (top.ends_with('/')) top.remove_suffix(1);
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
  });
}

bool Filter::matches(const Listener& listener, const capture::Batch& batch) const {
  if (!allows(spec_.pids, listener.pid)) return false;
  if (!port_wanted_.empty() && port_wanted_[listener.sport] == 0) return false;
  if (!allows(spec_.netns, listener.netns) || !matches_cgroup(listener.cgroup, batch)) return false;
  if (spec_.family != 0 && listener.saddr.is_v4() != (spec_.family == 4)) return false;
  const auto holds_local = [&](const Prefix& prefix) { return prefix.contains(listener.saddr); };
  if (!saddrs_.empty() && std::none_of(saddrs_.begin(), saddrs_.end(), holds_local)) return false;
  return spec_.comms.empty() || std::find(spec_.comms.begin(), spec_.comms.end(), listener.comm.view()) !=
                                    spec_.comms.end();
}

Filter::Verdict Filter::judge_listeners(const capture::Batch& batch) {
  if (!by_listener_) return Verdict::kAll;
  std::size_t wanted = 0;
  listener_wanted_.resize(batch.listeners.size());
  for (std::size_t i = 0; i < batch.listeners.size(); ++i) {
    const bool match = matches(batch.listeners[i], batch);
    listener_wanted_[i] = match ? 1 : 0;
    wanted += match ? 1 : 0;
  }
  if (wanted == 0) return Verdict::kNone;
  return wanted == batch.listeners.size() ? Verdict::kAll : Verdict::kSome;
}

Filter::Verdict Filter::judge_peers(const capture::Batch& batch) {
  if (raddrs_.empty()) return Verdict::kAll;
  peer_wanted_.assign(batch.peers.size(), 0);
  for (const Prefix prefix : raddrs_) {
    for (std::size_t i = 0; i < batch.peers.size(); ++i) {
      if (prefix.contains(batch.peers[i])) peer_wanted_[i] = 1;
    }
  }
  const std::size_t wanted = std::accumulate(peer_wanted_.begin(), peer_wanted_.end(), std::size_t{0});
  if (wanted == 0) return Verdict::kNone;
  return wanted == batch.peers.size() ? Verdict::kAll : Verdict::kSome;
}

capture::Columns Filter::columns() const {
  using capture::ColumnId;
  capture::Columns columns = 0;
  if (spec_.since || spec_.until) columns |= capture::columns_of(ColumnId::kTime);
  if (by_listener_) columns |= capture::columns_of(ColumnId::kListener);
  if (!raddrs_.empty()) columns |= capture::columns_of(ColumnId::kPeer);
  if (!spec_.rports.empty()) columns |= capture::columns_of(ColumnId::kRport);
  if (spec_.wait_over_us) columns |= capture::columns_of(ColumnId::kWait);
  return columns;
}

bool Filter::may_match(const capture::BatchFrame& batch, capture::WideTime first_accept, bool by_peers) {
  const capture::Batch& tables = *batch.tables;
  if (by_peers) return judge_peers(tables) != Verdict::kNone;
  if (spec_.since && batch.last_time < on_monotonic(*spec_.since, tables.clock, first_accept)) return false;
  if (spec_.until && batch.first_time >= on_monotonic(*spec_.until, tables.clock, first_accept)) return false;
  return judge_listeners(tables) != Verdict::kNone;
}

void Filter::select(const capture::Batch& batch, std::uint32_t from, std::uint32_t events, capture::WideTime first_accept,
                    std::vector<std::uint32_t>& rows) {
  rows.clear();
  std::size_t begin = from;
  std::size_t end = events;
  const auto at = [&](const TimeBound& bound) {
    const std::span time = std::span(batch.time).subspan(begin, end - begin);
    const auto found = std::lower_bound(time.begin(), time.end(), on_monotonic(bound, batch.clock, first_accept));
    return begin + static_cast<std::size_t>(found - time.begin());
  };
  if (spec_.since) begin = at(*spec_.since);
  if (spec_.until) end = at(*spec_.until);
  if (begin == end) return;

  const Verdict by_listener = judge_listeners(batch);
  if (by_listener == Verdict::kNone) return;
  const Verdict by_peer = judge_peers(batch);
  if (by_peer == Verdict::kNone) return;

  Candidates candidates(begin, end, rows);
  if (by_listener == Verdict::kSome) {
    candidates.keep([wanted = listener_wanted_.data(), column = batch.listener.data()](std::uint32_t row) {
      return wanted[column[row]];
    });
  }
  if (by_peer == Verdict::kSome) {
    candidates.keep([wanted = peer_wanted_.data(), column = batch.peer.data()](std::uint32_t row) {
      return wanted[column[row]];
    });
  }
  if (spec_.rports.size() == 1) {
    candidates.keep([wanted = spec_.rports.front(), column = batch.rport.data()](std::uint32_t row) {
      return static_cast<std::size_t>(column[row] == wanted);
    });
  } else if (!rport_wanted_.empty()) {
    candidates.keep([wanted = rport_wanted_.data(), column = batch.rport.data()](std::uint32_t row) {
      return wanted[column[row]];
    });
  }
  if (spec_.wait_over_us) {
    candidates.keep([over = *spec_.wait_over_us, column = batch.wait_us.data()](std::uint32_t row) {
      return static_cast<std::size_t>(column[row] > over && column[row] != kNotRecorded64);
    });
  }
  candidates.finish();
}

}  // namespace tcpaccept::report
