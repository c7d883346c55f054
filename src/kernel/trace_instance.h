// A trace buffer of ftrace of our own (tracefs instances/NAME) that records one event on some CPUs.
//
// It is named like the event, which nobody can guess and which says whose it is. Made when it is first asked for: it costs
// the kernel some megabytes and a tenth of a second.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "kernel/kernel_paths.h"

namespace tcpaccept::kernel {

class TraceInstance {
 public:
  // `event`: full name, "group/event", of an event that exists.
  TraceInstance(const std::string& tracefs_root, const std::string& event);

  // Records on this CPU, too, from now on, also if it is offline; its trace_pipe_raw, non-blocking. Throws Error.
  UniqueFd open(std::uint16_t cpu);

  // tracing_on and the event's enable: "1" while it records; a "1" that is written switches it on. After open(). Throws
  // Error.
  std::vector<UniqueFd> switches() const;

  // True when it is gone. All its descriptors must be closed.
  bool remove();

 private:
  void write(const std::string& file, const std::string& text) const;

  std::string dir_;
  std::string event_;
  std::set<std::uint16_t> cpus_;
  bool made_ = false;
};

// "3,00000001": CPUs as tracing_cpumask takes them.
std::string cpu_mask(const std::set<std::uint16_t>& cpus);

// Removes those of recorders that are gone, as sweep_stale_probes does, and before it: they hold its events.
void sweep_stale_instances(const std::string& tracefs_root, const KernelPaths& paths);

}  // namespace tcpaccept::kernel
