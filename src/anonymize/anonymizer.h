// Makes what a capture says fit to be given away: every value to its pseudonym, in place.
//
// Kept as they are: CPU numbers, queue figures, round trips, counts and losses, ports and times unless asked otherwise,
// kernel, machine and distribution. The same settings give the same pseudonyms, in every file and on every host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anonymize/address_map.h"
#include "anonymize/names.h"
#include "anonymize/renumbering.h"
#include "capture/model.h"

namespace tcpaccept::anonymize {

struct Settings {
  Key key{};
  bool keep_private = false;  // addresses of private networks stay
  bool keep_comm = false;
  bool map_ports = false;  // ports from 1024 on are permuted among themselves
  std::optional<std::int64_t> shift_time{};  // nanoseconds; then the clocks since boot are shifted, too
  bool operator==(const Settings&) const = default;
};

// What is added to the clocks of one boot. Instants that would leave a clock stay at its end.
struct TimeShift {
  std::int64_t realtime = 0;
  std::uint64_t monotonic = 0;
  std::uint64_t boottime = 0;

  std::uint64_t on_monotonic(std::uint64_t time) const;
  capture::ClockAnchor on(const capture::ClockAnchor& clock) const;
  void apply(capture::Ledger& ledger) const;
  void apply(Gap& gap) const;
};

// For all that belongs to a boot ("" = not known). Without Settings::shift_time nothing; with it, the clocks since boot
// are moved by up to nine years, by the key and the boot id: the uptime is gone, and captures of one boot still fit
// together.
TimeShift shift_of(const Settings& settings, std::string_view boot_id);

// Not thread safe: one for each thread.
class Anonymizer {
 public:
  explicit Anonymizer(const Settings& settings);

  void apply(capture::Start& start);
  void apply(capture::Batch& batch, const TimeShift& shift);
  void apply(capture::End& end, const TimeShift& shift);

  const Settings& settings() const { return settings_; }
  AddressMap& addresses() { return addresses_; }
  Names& names() { return names_; }
  // Of what was done, for a note in the capture.
  std::string description() const;

 private:
  Settings settings_;
  AddressMap addresses_;
  Names names_;
  Renumbering pids_;
  Renumbering namespaces_;
  Renumbering cgroups_;
  Renumbering ports_;
  std::vector<IpAddress> table_;
};

}  // namespace tcpaccept::anonymize
