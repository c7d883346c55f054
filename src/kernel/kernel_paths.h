// Every place of the file system the kernel folder reads, in one structure, so that tests can put a directory of
// their own in its stead.
#pragma once

#include <string>

namespace tcpaccept::kernel {

struct KernelPaths {
  std::string tracefs;  // "" = find where it is mounted
  std::string kallsyms = "/proc/kallsyms";
  std::string btf = "/sys/kernel/btf/vmlinux";
  std::string proc = "/proc";
#ifdef __aarch64__
  std::string ftrace_enabled;  // a probe there is a breakpoint and not a callback of ftrace, whose switch it does not heed
#else
  std::string ftrace_enabled = "/proc/sys/kernel/ftrace_enabled";
#endif
  std::string kprobes_enabled = "/sys/kernel/debug/kprobes/enabled";  // debugfs
  bool unmounted_debugfs = true;  // look there also where it is not mounted, by a mount of our own
  std::string lockdown = "/sys/kernel/security/lockdown";
  std::string cpus_online = "/sys/devices/system/cpu/online";
  std::string cpus_present = "/sys/devices/system/cpu/present";
  std::string os_release = "/etc/os-release";
  std::string cgroups = "/sys/fs/cgroup";  // of version 2, or its folder "unified" is
};

}  // namespace tcpaccept::kernel
