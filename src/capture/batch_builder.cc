#include "capture/batch_builder.h"

#include <algorithm>
#include <numeric>

#include "core/byte_cursor.h"

namespace tcpaccept::capture {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

std::uint64_t half(const void* bytes, std::size_t offset) {
  return load<std::uint64_t>(static_cast<const std::byte*>(bytes) + offset);
}

}  // namespace

std::size_t BatchBuilder::AddressHash::operator()(const IpAddress& address) const {
  return mix(mix(0, half(address.bytes.data(), 0)), half(address.bytes.data(), 8));
}

std::size_t BatchBuilder::ListenerHash::operator()(const Listener& listener) const {
  // What tells listeners apart in practice; the rest is left to operator==.
  std::uint64_t hash = AddressHash{}(listener.saddr);
  hash = mix(hash, std::uint64_t{listener.pid} << 32 | std::uint64_t{listener.sport} << 16 | listener.protocol);
  hash = mix(hash, half(listener.comm.bytes.data(), 0));
  hash = mix(hash, half(listener.comm.bytes.data(), 8));
  return mix(hash, listener.backlog);
}

void BatchBuilder::add(const Accept& accept) {
  const auto index_of = [](auto& index, auto& table, const auto& row) {
    const auto [at, is_new] = index.try_emplace(row, static_cast<std::uint16_t>(table.size()));
    if (is_new) table.push_back(row);
    return at->second;
  };
  batch_.time.push_back(accept.time);
  batch_.listener.push_back(index_of(listeners_, batch_.listeners, accept.listener));
  batch_.peer.push_back(index_of(peers_, batch_.peers, accept.raddr));
  batch_.rport.push_back(accept.rport);
  batch_.tid.push_back(accept.tid);
  batch_.cpu.push_back(accept.cpu);
  batch_.wait_us.push_back(accept.wait_us);
  batch_.ahead.push_back(accept.ahead);
  batch_.rtt_us.push_back(accept.rtt_us);
  batch_.left.push_back(accept.left);
}

Batch& BatchBuilder::finish(const ClockAnchor& clock, const std::optional<Ledger>& ledger) {
  if (!std::is_sorted(batch_.time.begin(), batch_.time.end())) sort_by_time();
  batch_.clock = clock;
  batch_.ledger = ledger;
  return batch_;
}

void BatchBuilder::sort_by_time() {
  std::vector<std::uint32_t> order(batch_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return batch_.time[a] < batch_.time[b]; });
  const auto reorder = [&](auto& column) {
    auto sorted = column;
    std::transform(order.begin(), order.end(), sorted.begin(), [&](std::uint32_t i) { return column[i]; });
    column = std::move(sorted);
  };
  reorder(batch_.time);
  reorder(batch_.listener);
  reorder(batch_.peer);
  reorder(batch_.rport);
  reorder(batch_.tid);
  reorder(batch_.cpu);
  reorder(batch_.wait_us);
  reorder(batch_.ahead);
  reorder(batch_.rtt_us);
  reorder(batch_.left);
}

void BatchBuilder::clear() {
  batch_.clear();
  listeners_.clear();
  peers_.clear();
}

}  // namespace tcpaccept::capture
