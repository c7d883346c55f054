#include "page/collector.h"

#include <algorithm>
#include <bit>

#include "capture/format.h"
#include "core/secret_hash.h"
#include "text/prepared.h"

namespace tcpaccept::page {
namespace {

// A path may be a kilobyte; this much of it tells a person which one it is.
constexpr std::size_t kPathKept = 160;

IpAddress network_of(IpAddress address) {
  const std::size_t kept = address.is_v4() ? 15 : 6;
  std::fill(address.bytes.begin() + static_cast<std::ptrdiff_t>(kept), address.bytes.end(), std::uint8_t{0});
  return address;
}

}  // namespace

Bin& Bin::operator+=(const Bin& other) {
  accepts += other.accepts;
  ahead_known += other.ahead_known;
  ahead_sum += other.ahead_sum;
  ahead_max = std::max(ahead_max, other.ahead_max);
  return *this;
}

// 0 to 7 have a bucket each; from there on the leading one and the three bits behind it make the number.
std::size_t Waits::bucket(std::uint64_t wait_us) {
  if (wait_us < 8) return wait_us;
  const auto exponent = static_cast<unsigned>(std::bit_width(wait_us)) - 1;
  return std::min<std::size_t>((exponent - 2) * 8 + ((wait_us >> (exponent - 3)) & 7), kBuckets - 1);
}

std::uint64_t Waits::begin(std::size_t bucket) {
  if (bucket < 8) return bucket;
  return (std::uint64_t{8} + bucket % 8) << (bucket / 8 - 1);
}

Waits& Waits::operator+=(const Waits& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts[i] += other.counts[i];
  max = std::max(max, other.max);
  return *this;
}

ListenerKey ListenerKey::of(const Listener& listener) {
  return {.comm = listener.comm,
          .saddr = listener.saddr,
          .sport = listener.sport,
          .in_kernel = listener.in_kernel,
          .netns = listener.netns};
}

std::size_t Collector::KeyHash::operator()(const ListenerKey& key) const {
  const auto word = [](const auto& bytes, std::size_t at) {
    return load<std::uint64_t>(reinterpret_cast<const std::byte*>(bytes.data()) + at);
  };
  const std::uint64_t rest = std::uint64_t{key.netns} << 32 | std::uint64_t{key.sport} << 1 | (key.in_kernel ? 1u : 0u);
  return secret_hash({word(key.comm.bytes, 0), word(key.comm.bytes, 8), word(key.saddr.bytes, 0),
                      word(key.saddr.bytes, 8), rest, 0});
}

capture::Columns Collector::columns() {
  using capture::ColumnId;
  return capture::columns_of(ColumnId::kTime, ColumnId::kListener, ColumnId::kPeer, ColumnId::kRport, ColumnId::kWait,
                             ColumnId::kAhead, ColumnId::kRtt);
}

// The time axis moves to the bin of `time`.
void Collector::enter(std::int64_t time) {
  if (const std::int64_t factor = axis_.factor_for(time); factor != 1) {
    bins_.widen(axis_.first(), axis_.last(), factor);
    const std::int64_t first = Axis::coarse(axis_.first());
    const std::int64_t last = Axis::coarse(axis_.last());
    if (waits_) waits_->widen(first, last, factor);
    for (ListenerStats& listener : listeners_) listener.series.widen(first, last, factor);
  }
  axis_.add(time);
  bin_ = axis_.bin(time);
  bin_length_ = axis_.width();
  bin_begin_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(bin_) * static_cast<std::uint64_t>(bin_length_));
}

std::uint32_t Collector::slot_of(const capture::Batch& batch, const Listener& listener, std::int64_t time) {
  const ListenerKey key = ListenerKey::of(listener);
  if (const auto known = slots_.find(key); known != slots_.end()) {
    ListenerStats& stats = listeners_[known->second];
    if (stats.pid != listener.pid) stats.several_pids = true;
    return known->second;
  }
  if (listeners_.size() == kMostListeners) return kOther;
  const auto slot = static_cast<std::uint32_t>(listeners_.size());
  std::string path{batch.cgroup_path(listener.cgroup)};
  if (path.size() > kPathKept) path = path.substr(0, kPathKept) + "...";
  listeners_.push_back(
      {.key = key, .pid = listener.pid, .cgroup_path = std::move(path), .first = time, .last = time});
  slots_.emplace(key, slot);
  return slot;
}

void Collector::add(const capture::Batch& batch, text::Selection rows) {
  if (rows.empty()) return;
  if (rows_.size() < most_rows_) keep_rows(batch, rows.first(std::min(rows.size(), most_rows_ - rows_.size())));
  if (slot_by_listener_.size() < batch.listeners.size()) slot_by_listener_.resize(batch.listeners.size(), kUnknown);
  if (count_by_peer_.size() < batch.peers.size()) count_by_peer_.resize(batch.peers.size());

  const std::uint64_t shift = text::wall_shift(batch.clock);
  for (const std::uint32_t row : rows) {
    const auto time = static_cast<std::int64_t>(batch.time[row] + shift);
    if (static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(bin_begin_) >=
        static_cast<std::uint64_t>(bin_length_)) [[unlikely]] {
      enter(time);
    }
    if (accepts_++ == 0) first_ = last_ = time;
    first_ = std::min(first_, time);
    last_ = std::max(last_, time);

    const std::uint32_t ahead = batch.ahead[row];
    Bin& bin = bins_[bin_];
    ++bin.accepts;
    if (ahead != kNotRecorded32) {
      ++bin.ahead_known;
      bin.ahead_sum += ahead;
      bin.ahead_max = std::max(bin.ahead_max, ahead);
    }
    const std::uint64_t wait = batch.wait_us[row];
    if (wait != kNotRecorded64) {
      if (!waits_) waits_.emplace(Axis::kMostCoarse);
      Waits& waits = (*waits_)[Axis::coarse(bin_)];
      ++waits.counts[Waits::bucket(wait)];
      waits.max = std::max(waits.max, wait);
    }

    const std::uint16_t index = batch.listener[row];
    std::uint32_t& slot = slot_by_listener_[index];
    if (slot == kUnknown) {
      slot = slot_of(batch, batch.listeners[index], time);
      touched_listeners_.push_back(index);
    }
    if (slot == kOther) {
      ++other_accepts_;
    } else {
      ListenerStats& listener = listeners_[slot];
      ++listener.accepts;
      ++listener.series[Axis::coarse(bin_)];
      listener.first = std::min(listener.first, time);
      listener.last = std::max(listener.last, time);
      if (ahead != kNotRecorded32) listener.ahead_max = std::max(listener.ahead_max.value_or(0), ahead);
      if (wait != kNotRecorded64) listener.wait_max = std::max(listener.wait_max.value_or(0), wait);
    }
    if (const std::uint16_t peer = batch.peer[row]; count_by_peer_[peer]++ == 0) touched_peers_.push_back(peer);
  }
  for (const std::uint16_t index : touched_listeners_) slot_by_listener_[index] = kUnknown;
  touched_listeners_.clear();
  count_peers(batch);
}

void Collector::count_peers(const capture::Batch& batch) {
  counted_peers_.clear();
  for (const std::uint16_t peer : touched_peers_) {
    const std::uint32_t count = count_by_peer_[peer];
    const IpAddress& address = batch.peers[peer];
    if (address.is_v4()) accepts_v4_ += count;
    counted_peers_.push_back({address, count});
    count_by_peer_[peer] = 0;
  }
  touched_peers_.clear();
  addresses_.add(counted_peers_);
  for (FrequentAddresses::Entry& entry : counted_peers_) entry.address = network_of(entry.address);
  networks_.add(counted_peers_);
}

void Collector::keep_rows(const capture::Batch& batch, text::Selection rows) {
  for (const std::uint32_t row : rows) {
    const Listener& listener = batch.listeners[batch.listener[row]];
    rows_.push_back({.time = batch.clock.wall(batch.time[row]),
                     .pid = listener.pid,
                     .comm = listener.comm,
                     .saddr = listener.saddr,
                     .raddr = batch.peers[batch.peer[row]],
                     .sport = listener.sport,
                     .rport = batch.rport[row],
                     .ahead = batch.ahead[row],
                     .rtt_us = batch.rtt_us[row],
                     .wait_us = batch.wait_us[row]});
  }
}

}  // namespace tcpaccept::page
