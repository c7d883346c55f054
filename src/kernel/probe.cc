#include "kernel/probe.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "core/error.h"
#include "kernel/host_facts.h"

namespace tcpaccept::kernel {
namespace {

constexpr int kNameAttempts = 4;
constexpr int kRandomDigits = 16;

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return {digits.data(), end};
}

// Takes `prefix` and the number behind it off `rest`.
template <typename T>
bool take_number(std::string_view& rest, std::string_view prefix, int base, T& value) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (error != std::errc{}) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

// Closing a perf descriptor frees the event a moment later when a sample is just being taken on another CPU.
int remove_event(const Tracefs& tracefs, const std::string& event) {
  const UniqueFd enable = tracefs.open_switch(full_name(event));
  int error = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    error = Tracefs::remove(tracefs.commands_fd(), enable.get(), full_name(event));
    if (error != EBUSY) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return error;
}

}  // namespace

std::string full_name(std::string_view event) {
  std::string name{kProbeGroup};
  name += '/';
  name += event;
  return name;
}

std::string probe_name(const ProbeOwner& owner, std::uint64_t random) {
  std::string digits = hex(random);
  digits.insert(0, static_cast<std::size_t>(kRandomDigits) - digits.size(), '0');
  return "p" + std::to_string(owner.pid) + "_s" + hex(owner.start_ticks) + "_n" + hex(owner.pid_namespace) + "_" +
         digits;
}

std::optional<ProbeOwner> parse_probe_name(std::string_view event) {
  ProbeOwner owner;
  std::uint64_t random = 0;
  if (!take_number(event, "p", 10, owner.pid) || !take_number(event, "_s", 16, owner.start_ticks) ||
      !take_number(event, "_n", 16, owner.pid_namespace)) {
    return std::nullopt;
  }
  const std::size_t before = event.size();
  if (!take_number(event, "_", 16, random) || before - event.size() != kRandomDigits + 1) return std::nullopt;
  if (!event.empty() && event.front() != '_') return std::nullopt;
  return owner;
}

ProbeOwner this_owner(const KernelPaths& paths) {
  const pid_t pid = ::getpid();
  return {.pid = static_cast<std::uint32_t>(pid),
          .start_ticks = process_start_ticks(pid, paths).value_or(0),
          .pid_namespace = pid_namespace(paths)};
}

NameSource random_names(const ProbeOwner& owner) {
  return [owner] {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
      throw system_error("cannot get random bytes", errno);
    }
    return probe_name(owner, random);
  };
}

Probe::Probe(const Tracefs& tracefs, const ProbePlan& plan, const NameSource& names) : tracefs_(&tracefs) {
  try {
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
      if (install(plan, names())) return;
      remove();
    }
  } catch (...) {
    remove();
    throw;
  }
  throw Error{"cannot install a probe on " + plan.symbol + ": every name tried is taken in " + tracefs.root() +
              "/kprobe_events"};
}

Probe::~Probe() { remove(); }

// False when the name turned out to be taken; what was installed by then is in events_.
bool Probe::install(const ProbePlan& plan, const std::string& name) {
  events_.clear();
  for (const EventPlan& event : plan.events) {
    const std::string event_name = name + "_" + event.suffix;
    const std::string definition = plan.definition(event, kProbeGroup, event_name);
    const int error = tracefs_->command(definition);
    if (error == EEXIST) return false;
    if (error != 0) {
      std::string why = tracefs_->refusal(event_name);
      if (!why.empty()) why = " (" + why + ")";
      throw system_error("the kernel refuses a probe on " + plan.symbol + why, error);
    }
    events_.push_back({.name = event_name, .definition = definition, .filter = event.filter, .gate = event.gate, .id = 0, .format = {}});
  }

  const std::vector<ProbeLine> lines = tracefs_->probes();
  for (InstalledEvent& event : events_) {
    const auto ours = [&](const ProbeLine& line) { return line.group == kProbeGroup && line.event == event.name; };
    const auto found = std::find_if(lines.begin(), lines.end(), ours);
    // Twice means that our definition was merged into somebody's event of the same name.
    if (std::count_if(lines.begin(), lines.end(), ours) != 1) return false;
    const std::string symbol = found->place.substr(0, found->place.find('+'));
    if (symbol != plan.symbol) return false;
    event.id = tracefs_->event_id(std::string{kProbeGroup}, event.name);
    event.format = tracefs_->event_format(std::string{kProbeGroup}, event.name);
  }
  return true;
}

std::string Probe::remove() {
  std::string left;
  for (const InstalledEvent& event : events_) {
    const int error = remove_event(*tracefs_, event.name);
    if (error == 0) continue;
    if (!left.empty()) left += "; ";
    left += "cannot remove probe " + full_name(event.name) + ": " + errno_text(error) +
            "; the next recorder run as root removes it";
  }
  events_.clear();
  return left;
}

bool is_stale(std::string_view event, const KernelPaths& paths) {
  const auto owner = parse_probe_name(event);
  if (!owner) return false;
  if (owner->pid_namespace != pid_namespace(paths)) return pid_namespace_is_empty(owner->pid_namespace, paths);
  return process_start_ticks(static_cast<pid_t>(owner->pid), paths) != owner->start_ticks;
}

Swept sweep_stale_probes(const Tracefs& tracefs, const KernelPaths& paths) {
  Swept swept;
  for (const ProbeLine& line : tracefs.probes()) {
    if (line.group != kProbeGroup) continue;
    if (!is_stale(line.event, paths)) continue;
    const std::string name = full_name(line.event);
    // Should its events still be open in some process after all, the kernel says EBUSY and nothing happens.
    const int error = Tracefs::remove(tracefs.commands_fd(), tracefs.open_switch(name).get(), name);
    if (error == 0) {
      swept.removed.push_back(line.event);
    } else {
      const char* const remedy = error == EBUSY ? "; end what uses it (perf, or an instance of ftrace)" : "";
      swept.left.push_back("probe " + name + ", which a killed recorder left behind, cannot be removed: " +
                           errno_text(error) + remedy);
    }
  }
  return swept;
}

}  // namespace tcpaccept::kernel
