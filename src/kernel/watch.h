// What can make a probe blind from outside while every call succeeds: switches, and CPUs that come and go.
//
// Both hold descriptors opened at the start and read them again without privileges. Each has one for poll(POLLIN)
// too, so that a change is met when it happens; where that is not to be had (-1), looking now and then must do.
#pragma once

#include <cstdint>
#include <set>
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
  // False where nothing announces that, so that changed() does not see a CPU that went and came between two calls.
  bool heard() const { return heard_; }
  std::vector<std::uint16_t> online() const;
  // Online or not. Without sysfs: those that were online at some call.
  std::vector<std::uint16_t> present() const;
  int fd() const { return uevents_.get(); }
  bool announced() const;

 private:
  UniqueFd list_;     // "0-3"
  UniqueFd stat_;     // /proc/stat, instead of it
  UniqueFd present_;
  UniqueFd uevents_;  // NETLINK_KOBJECT_UEVENT
  bool heard_ = false;
  std::vector<std::uint16_t> last_;
  std::set<std::uint16_t> known_;
};

}  // namespace tcpaccept::kernel
