// One probe in the kernel, owned: installed by the constructor, removed on every path out.
//
// Events of ours live in the group "tcpaccept" under names nobody can guess, for two reasons (both measured):
// a definition of the same name on another function is silently merged into one event, and what a killed
// recorder leaves behind must be told from the probe of one that runs. So a name carries the owner's pid, start
// time and pid namespace, and 64 random bits.
//
// A probe is never touched unless its name says it is ours; the probes of other tools, and of recorders that
// live, are left alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/kernel_paths.h"
#include "kernel/probe_plan.h"
#include "kernel/tracefs.h"

namespace tcpaccept::kernel {

inline constexpr std::string_view kProbeGroup = "tcpaccept";

// Who installed a probe, as its event name tells.
struct ProbeOwner {
  std::uint32_t pid = 0;
  std::uint64_t start_ticks = 0;    // of the process, after boot
  std::uint64_t pid_namespace = 0;  // inode; the pid means nothing in another one
  bool operator==(const ProbeOwner&) const = default;
};

// "p4711_s1b2c3_neffffffc_0123456789abcdef": the owner, then the random part. At most 57 characters, so that
// with the suffix of an event the kernel's limit of 63 is kept.
std::string probe_name(const ProbeOwner& owner, std::uint64_t random);
// The owner in an event name, with or without suffix; nullopt when it is not of that form.
std::optional<ProbeOwner> parse_probe_name(std::string_view event);

// This process as an owner.
ProbeOwner this_owner(const KernelPaths& paths);

// A new name for this process each time it is called.
using NameSource = std::function<std::string()>;
NameSource random_names(const ProbeOwner& owner);

// "tcpaccept/EVENT", as commands name it.
std::string full_name(std::string_view event);

struct InstalledEvent {
  std::string name;        // within kProbeGroup
  std::string definition;  // as written to kprobe_events
  std::string filter;
  std::optional<Gate> gate;
  std::uint64_t id = 0;  // for perf_event_open
  std::string format;    // text of its format file
};

class Probe {
 public:
  // Installs all events of the plan and reads them back. `tracefs` must outlive the probe. Throws Error with the
  // kernel's reason; nothing is left installed then.
  Probe(const Tracefs& tracefs, const ProbePlan& plan, const NameSource& names);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  const std::vector<InstalledEvent>& events() const { return events_; }

  // Whose removal is another's business from now on.
  void release() { events_.clear(); }

  // Removes the events; all perf descriptors on them must be closed before (the kernel says EBUSY otherwise).
  // Idempotent. Returns "" or one line saying what is left and how to remove it.
  std::string remove();

 private:
  bool install(const ProbePlan& plan, const std::string& name);

  const Tracefs* tracefs_;
  std::vector<InstalledEvent> events_;
};

// Is this the name of an event of a recorder that no longer runs? It was in our pid namespace, or in one in which
// nothing runs any more (pid_namespace_is_empty): the name must have been read before this is asked.
bool is_stale(std::string_view event, const KernelPaths& paths);

struct Swept {
  std::vector<std::string> removed;  // names of events
  std::vector<std::string> left;     // a line for each that could not be removed
};
// Removes the probes of recorders that are gone (killed with SIGKILL): those of our group that are stale.
Swept sweep_stale_probes(const Tracefs& tracefs, const KernelPaths& paths);

}  // namespace tcpaccept::kernel
