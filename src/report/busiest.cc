#include "report/busiest.h"

#include "summary/key.h"

namespace tcpaccept::report {

void Busiest::add(const capture::Batch& batch, std::uint32_t from) {
  counts_.assign(batch.listeners.size(), 0);
  for (std::size_t row = from; row < batch.size(); ++row) ++counts_[batch.listener[row]];
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const Listener& listener = batch.listeners[i];
    if (counts_[i] != 0) hitters_.add(summary::listener_key(listener), counts_[i], listener.comm);
  }
}

std::vector<Busiest::Entry> Busiest::top() const {
  std::vector<Entry> result;
  // The port stands where listener_key() puts it.
  for (const summary::HeavyHitters::Entry& entry : hitters_.top(kShown)) {
    result.push_back({.comm = entry.name,
                      .saddr = summary::address_of(entry.key),
                      .sport = static_cast<std::uint16_t>(entry.key.third >> 48),
                      .accepts = entry.count});
  }
  return result;
}

}  // namespace tcpaccept::report
