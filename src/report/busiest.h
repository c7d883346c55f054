// The listeners with most accepts of one input, for --info.
#pragma once

#include <cstdint>
#include <vector>

#include "capture/model.h"
#include "summary/heavy_hitters.h"

namespace tcpaccept::report {

class Busiest {
 public:
  static constexpr std::size_t kShown = 5;

  // The accepts of a batch from number `from` on.
  void add(const capture::Batch& batch, std::uint32_t from);

  struct Entry {
    Comm comm;  // of one of its processes
    IpAddress saddr;
    std::uint16_t sport = 0;
    std::uint64_t accepts = 0;  // at least; exactly up to some thousand listeners
  };
  std::vector<Entry> top() const;
  // Different ones; where there are very many, an estimate.
  std::uint64_t listeners() const { return hitters_.distinct(); }
  bool exact() const { return hitters_.exact(); }

 private:
  static constexpr std::uint32_t kKeys = 4096;

  summary::HeavyHitters hitters_{kKeys};
  std::vector<std::uint32_t> counts_;  // of a batch, by listener
};

}  // namespace tcpaccept::report
