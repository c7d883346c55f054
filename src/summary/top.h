// --top N --by FIELD: the most frequent values of a field.
//
// Ports and CPUs are counted exactly. Of other fields 65,536 values are; with more the counts get a range
// (heavy_hitters.h), and the output says so.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summary/heavy_hitters.h"
#include "summary/summary.h"

namespace tcpaccept::summary {

// What is counted.
struct TopField {
  enum class Kind { kRaddr, kRport, kPid, kComm, kSaddr, kSport, kNetns, kCgroup, kCpu, kListener };

  Kind kind = Kind::kRaddr;
  // Of remote addresses: so many leading bits.
  unsigned bits_v4 = 32;
  unsigned bits_v6 = 128;

  bool operator==(const TopField&) const = default;
};

// "raddr", "raddr/24" (with IPv6 by /64), "raddr/24/48", "rport", "pid", "comm", "saddr", "sport", "netns", "cgroup",
// "cpu", "listener".
std::optional<TopField> parse_top_field(std::string_view text);
std::string to_string(const TopField& field);

class Top final : public Summary {
 public:
  Top(std::size_t most, TopField field, std::uint32_t keys = HeavyHitters::kKeys)
      : most_(most), field_(field), hitters_(keys) {}

  capture::Columns columns() const override;
  void add(const capture::Batch& batch, text::Selection rows) override;
  void write(text::Format format, const Holes& holes, const Emit& emit) override;

 private:
  template <typename Index>
  void count(const std::vector<Index>& column, std::size_t different, text::Selection rows);
  void add_listeners(const capture::Batch& batch);
  void add_peers(const capture::Batch& batch);
  void add_small();
  Key key_of_listener(const Listener& listener) const;
  IpAddress masked(const IpAddress& address) const;
  std::string value_text(const Key& key) const;
  std::string name_of(const HeavyHitters::Entry& entry) const;

  std::size_t most_;
  TopField field_;
  HeavyHitters hitters_;
  std::vector<std::uint64_t> small_;  // counts of ports or CPUs
  std::uint64_t accepts_ = 0;
  std::map<std::uint64_t, std::string> cgroups_;  // paths of the first ones
  std::vector<std::uint32_t> counts_;  // of the batch at hand, by what its column indexes
};

}  // namespace tcpaccept::summary
