#include "anonymize/anonymizer.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "anonymize/texts.h"

namespace tcpaccept::anonymize {
namespace {

std::uint64_t later(std::uint64_t time, std::uint64_t by) {
  return time > std::numeric_limits<std::uint64_t>::max() - by ? std::numeric_limits<std::uint64_t>::max() : time + by;
}

std::uint64_t number_in(const Digest& digest, std::size_t at, unsigned bits) {
  std::uint64_t number = 0;
  std::memcpy(&number, &digest[at], sizeof number);
  return number >> (64 - bits);
}

}  // namespace

std::uint64_t TimeShift::on_monotonic(std::uint64_t time) const { return later(time, monotonic); }

capture::ClockAnchor TimeShift::on(const capture::ClockAnchor& clock) const {
  capture::ClockAnchor moved{.monotonic = later(clock.monotonic, monotonic),
                             .boottime = later(clock.boottime, boottime)};
  if (__builtin_add_overflow(clock.realtime, realtime, &moved.realtime)) {
    moved.realtime = realtime < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  }
  return moved;
}

void TimeShift::apply(capture::Ledger& ledger) const {
  ledger.begin = on_monotonic(ledger.begin);
  ledger.end = on_monotonic(ledger.end);
}

void TimeShift::apply(Gap& gap) const {
  gap.begin = on_monotonic(gap.begin);
  gap.end = on_monotonic(gap.end);
}

// Linux numbers processes up to 2^22; inodes of cgroups have 64 bits, but small ones are the rule.
Anonymizer::Anonymizer(const Settings& settings)
    : settings_(settings),
      addresses_(settings.key, settings.keep_private),
      names_(settings.key),
      pids_(settings.key, "pid", {.small = 22, .all = 32}),
      namespaces_(settings.key, "namespace", {.small = 32, .all = 32}),
      cgroups_(settings.key, "cgroup", {.small = 32, .all = 64}),
      ports_(settings.key, "port", {.kept = 1024, .small = 16, .all = 16}) {}

TimeShift shift_of(const Settings& settings, std::string_view boot_id) {
  if (!settings.shift_time) return {};
  const Digest digest = keyed_hash(settings.key, "clock", boot_id);
  const std::uint64_t monotonic = number_in(digest, 0, 58);
  // How long the host was suspended before is nobody's business either.
  return {.realtime = *settings.shift_time, .monotonic = monotonic, .boottime = monotonic + number_in(digest, 8, 54)};
}

std::string Anonymizer::description() const {
  std::string text = "addresses, names, ids are pseudonyms";
  text += settings_.keep_private ? ", private addresses are not" : "";
  text += settings_.keep_comm ? ", commands are not" : "";
  text += settings_.map_ports ? "; ports from 1024 on are mapped" : "";
  text += settings_.shift_time ? "; times are shifted" : "";
  return text;
}

void Anonymizer::apply(capture::Start& start) {
  keep_known_texts(start, description());
  start.clock = shift_of(settings_, start.boot_id).on(start.clock);
  start.host = names_.host(start.host);
  start.boot_id = names_.boot_id(start.boot_id);
  pids_.map_column(std::span(start.pids));
}

void Anonymizer::apply(capture::Batch& batch, const TimeShift& shift) {
  addresses_.map(batch.peers);
  table_.clear();
  for (const Listener& listener : batch.listeners) table_.push_back(listener.saddr);
  addresses_.map(table_);
  for (std::size_t i = 0; i < batch.listeners.size(); ++i) {
    Listener& listener = batch.listeners[i];
    listener.saddr = table_[i];
    if (!settings_.keep_comm) listener.comm = names_.comm(listener.comm);
  }
  // A field of all listeners at once.
  const auto map_field = [&](Renumbering& numbers, auto Listener::*field) {
    std::vector<std::uint64_t> values;
    values.reserve(batch.listeners.size());
    for (const Listener& listener : batch.listeners) values.push_back(listener.*field);
    numbers.map(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto& value = batch.listeners[i].*field;
      value = static_cast<std::remove_reference_t<decltype(value)>>(values[i]);
    }
  };
  map_field(pids_, &Listener::pid);
  map_field(pids_, &Listener::nspid);
  map_field(namespaces_, &Listener::netns);
  map_field(cgroups_, &Listener::cgroup);
  pids_.map_column(std::span(batch.tid));
  if (settings_.map_ports) {
    map_field(ports_, &Listener::sport);
    ports_.map_column(std::span(batch.rport));
  }
  for (capture::CgroupPath& cgroup : batch.cgroups) {
    cgroup.id = cgroups_.map(cgroup.id);
    cgroup.path = names_.cgroup_path(cgroup.path);
  }
  std::sort(batch.cgroups.begin(), batch.cgroups.end(),
            [](const capture::CgroupPath& a, const capture::CgroupPath& b) { return a.id < b.id; });

  if (!settings_.shift_time) return;
  for (std::uint64_t& time : batch.time) time = shift.on_monotonic(time);
  batch.clock = shift.on(batch.clock);
  if (batch.ledger) shift.apply(*batch.ledger);
  for (Gap& gap : batch.gaps) shift.apply(gap);
}

void Anonymizer::apply(capture::End& end, const TimeShift& shift) {
  end.clock = shift.on(end.clock);
  end.reason = known_reason(end.reason, [&](std::uint32_t pid) { return static_cast<std::uint32_t>(pids_.map(pid)); });
}

}  // namespace tcpaccept::anonymize
