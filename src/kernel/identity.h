// Names of a process and of a cgroup that a sample does not carry, from /proc and the cgroup file system. Needs no
// privilege (but what a /proc mounted with hidepid asks for). Best effort: what cannot be read is not known.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/kernel_paths.h"

namespace tcpaccept::kernel {

// The process id in the innermost pid namespace of the process (last number of NSpid, proc(5)); 0 = not known.
std::uint32_t nspid_of(std::uint32_t pid, const KernelPaths& paths = {});

// Paths of cgroups by their ids. An id is the inode number of the cgroup's directory (kernfs, Linux 5.5 and newer).
class CgroupTree {
 public:
  explicit CgroupTree(const KernelPaths& paths);

  // The path below the mount of cgroup v2, "/system.slice/ssh.service"; "" = not known. Asks the process first, which
  // was in the cgroup a moment ago, then walks the tree.
  std::string path_of(std::uint64_t id, std::uint32_t pid);

 private:
  bool has_id(const std::string& path, std::uint64_t id) const;

  std::string proc_;
  std::string mount_;               // "" = no cgroup v2 here
  std::uint64_t walked_at_ = 0;     // CLOCK_MONOTONIC, ns
};

}  // namespace tcpaccept::kernel
