#include "capture/batch_builder.h"

#include <algorithm>
#include <numeric>

namespace tcpaccept::capture {

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
