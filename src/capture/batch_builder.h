// Collects accepts into a batch: finds each one's listener and peer in the batch's tables or adds them.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "capture/format.h"
#include "capture/model.h"
#include "core/secret_hash.h"

namespace tcpaccept::capture {

class BatchBuilder {
 public:
  // Adds one accept; the batch must not be full(). Accepts may come slightly out of order.
  void add(const Accept& accept);

  bool empty() const { return batch_.time.empty(); }
  std::size_t size() const { return batch_.time.size(); }
  bool full() const { return size() >= kMaxBatchEvents; }

  // The batch collected so far, its events in time order (equal times in order of arrival), with the given clock
  // and ledger. Borrowed, valid until the next call of add() or clear(); what is
  // not made of accepts (gaps, losses, cgroups) is the caller's to fill in.
  Batch& finish(const ClockAnchor& clock, const std::optional<Ledger>& ledger);
  void clear();

 private:
  void sort_by_time();

  Batch batch_;
  std::unordered_map<Listener, std::uint16_t, SecretHash> listeners_;
  std::unordered_map<IpAddress, std::uint16_t, SecretHash> peers_;
};

}  // namespace tcpaccept::capture
