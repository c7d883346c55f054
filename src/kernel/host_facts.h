// Facts about this machine and its processes that a capture names and options refer to.
//
// Everything is best effort: a fact that cannot be read is an empty string or 0, never an Error.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/unique_fd.h"
#include "kernel/kernel_paths.h"

namespace tcpaccept::kernel {

struct HostFacts {
  std::string host;          // nodename
  std::string kernel;        // uname release
  std::string kernel_build;  // uname version
  std::string machine;       // uname machine
  std::string distribution;  // PRETTY_NAME of os-release
  std::string boot_id;       // /proc/sys/kernel/random/boot_id
  std::uint32_t cpus = 0;    // online
};

HostFacts read_host_facts(const KernelPaths& paths = {});

// "0-3,5" -> 0 1 2 3 5. Whatever is not such a list gives what could be read before it; at most 65,535 CPUs.
std::vector<std::uint16_t> parse_cpu_list(std::string_view text);
// The CPUs of the text of /proc/stat, which has a line "cpu3 ..." for each that is online.
std::vector<std::uint16_t> parse_stat_cpus(std::string_view text);
std::vector<std::uint16_t> online_cpus(const KernelPaths& paths = {});

// The value of PRETTY_NAME in the text of os-release, unquoted.
std::string pretty_name(std::string_view os_release);

enum class PidKind {
  kNone,     // no such task
  kProcess,  // a process (thread group leader)
  kThread,   // a thread other than the first of its process
};
PidKind pid_kind(pid_t pid, const KernelPaths& paths = {});

// Process that the thread `tid` belongs to, 0 when there is no such task.
pid_t process_of(pid_t tid, const KernelPaths& paths = {});

// Clock ticks after boot at which the process started: with the pid it names a process beyond the reuse of
// pids. nullopt when there is no such process.
std::optional<std::uint64_t> process_start_ticks(pid_t pid, const KernelPaths& paths = {});

// Inode of our pid namespace; pids of other namespaces mean nothing here. 0 when it cannot be read.
std::uint64_t pid_namespace(const KernelPaths& paths = {});

// The first pid namespace, which sees the processes of all others: PROC_PID_INIT_INO (include/linux/proc_ns.h, 3.8 to
// 7.2).
inline constexpr std::uint64_t kFirstPidNamespace = 0xeffffffc;

// Is there surely no process in the pid namespace of this inode? Only the first one (`first`) can tell, and only where
// /proc shows all processes and we may look at each of them (no hidepid, CAP_SYS_PTRACE); false elsewhere.
bool pid_namespace_is_empty(std::uint64_t inode, const KernelPaths& paths = {},
                            std::uint64_t first = kFirstPidNamespace);

// "pid" or "time" when the children of this process get into another namespace of that kind than its own (unshare(2)
// without a fork), else "".
std::string foreign_children(const KernelPaths& paths = {});

// Does the perf_event controller sit on a hierarchy of cgroup version 1? Then the ids in samples are of that hierarchy.
bool perf_cgroups_are_v1(const KernelPaths& paths = {});

// Was no controller ever given to a cgroup? Then the kernel keeps all in the root's as far as perf knows, and every sample
// has the root's id (measured on 5.10 to 7.2). False where the root's files cannot be seen.
bool perf_cgroups_are_idle(const KernelPaths& paths = {});

// Threads that sleep in the kernel function `function` now (wchan or stack in /proc/PID/task/TID). nullopt when that is
// not shown: it takes the right to trace them, and for stack, which older kernels need, CAP_SYS_ADMIN.
std::optional<std::uint64_t> threads_waiting_in(std::string_view function, const KernelPaths& paths = {});

// pidfd_open(2): a descriptor that becomes readable when the process ends. Invalid, with errno set, on failure
// (ESRCH: no such process; ENOSYS: kernel before 5.3).
UniqueFd open_pidfd(pid_t pid);

}  // namespace tcpaccept::kernel
