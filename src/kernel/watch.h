// What can make a probe blind from outside while every call succeeds: switches, and CPUs that come and go.
//
// Both hold descriptors opened at the start and read them again without privileges. Each has one for poll(POLLIN)
// too, so that a change is met when it happens; where that is not to be had (-1), looking now and then must do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "kernel/kernel_paths.h"

namespace tcpaccept::kernel {

// kernel.ftrace_enabled and debugfs kprobes/enabled.
class SwitchWatch {
 public:
  explicit SwitchWatch(const KernelPaths& paths);

  // "" while probes deliver, else what is off and how to switch it on, in one line. `touched` becomes true if
  // somebody wrote to a switch since the last call, also if it is on (again).
  std::string look(bool& touched);
  int fd() const { return changes_.get(); }
  // "" or why a switch that somebody sets can go unnoticed; one line with the remedy.
  const std::string& unwatched() const { return unwatched_; }
  // look() has something to say that cannot wait, or would not hear of it otherwise.
  bool announced() const;

 private:
  struct Switch {
    UniqueFd file;
    std::string off;
  };
  std::vector<Switch> switches_;
  UniqueFd changes_;  // inotify
  std::string unwatched_;
};

// Which CPUs are online, and that one came or went.
class CpuWatch {
 public:
  explicit CpuWatch(const KernelPaths& paths);

  // True if CPUs came or went since the last call, or may have.
  bool changed();
  std::vector<std::uint16_t> online() const;
  std::vector<std::uint16_t> present() const;  // online or not
  int fd() const { return uevents_.get(); }
  bool announced() const;

 private:
  std::string read_list() const;

  UniqueFd list_;     // "0-3"
  UniqueFd present_;
  UniqueFd uevents_;  // NETLINK_KOBJECT_UEVENT
  std::string last_;
};

}  // namespace tcpaccept::kernel
