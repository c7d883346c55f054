#include "kernel/host_facts.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <limits>
#include <filesystem>
#include <sstream>

namespace tcpaccept::kernel {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

// Where even sysfs is missing there is no large machine.
constexpr long kMaxFallbackCpus = 4096;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string process_dir(pid_t pid, const KernelPaths& paths) { return paths.proc + "/" + std::to_string(pid); }

}  // namespace

HostFacts read_host_facts(const KernelPaths& paths) {
  HostFacts facts;
  utsname names{};
  if (::uname(&names) == 0) {
    facts.host = names.nodename;
    facts.kernel = names.release;
    facts.kernel_build = names.version;
    facts.machine = names.machine;
  }
  facts.distribution = pretty_name(read_file(paths.os_release));
  facts.boot_id = first_line(read_file(paths.proc + "/sys/kernel/random/boot_id"));
  facts.cpus = static_cast<std::uint32_t>(online_cpus(paths).size());
  return facts;
}

std::vector<std::uint16_t> parse_cpu_list(std::string_view text) {
  constexpr unsigned kMaxCpu = std::numeric_limits<std::uint16_t>::max() - 1;
  std::vector<std::uint16_t> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    unsigned first = 0;
    auto parsed = std::from_chars(at, end, first);
    if (parsed.ec != std::errc{}) break;
    unsigned last = first;
    at = parsed.ptr;
    if (at != end && *at == '-') {
      parsed = std::from_chars(at + 1, end, last);
      if (parsed.ec != std::errc{}) break;
      at = parsed.ptr;
    }
    if (last > kMaxCpu || first > last || cpus.size() > kMaxCpu) break;
    for (unsigned cpu = first; cpu <= last; ++cpu) cpus.push_back(static_cast<std::uint16_t>(cpu));
    if (at == end || *at != ',') break;
    ++at;
  }
  return cpus;
}

std::vector<std::uint16_t> parse_stat_cpus(std::string_view text) {
  constexpr std::string_view kName = "cpu";
  std::vector<std::uint16_t> cpus;
  for (; text.starts_with(kName); text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1)) {
    std::uint16_t cpu = 0;  // the first line, "cpu ", is their sum
    const char* const number = text.data() + kName.size();
    if (std::from_chars(number, text.data() + text.size(), cpu).ec == std::errc{}) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<std::uint16_t> online_cpus(const KernelPaths& paths) {
  std::vector<std::uint16_t> cpus = parse_cpu_list(read_file(paths.cpus_online));
  if (cpus.empty()) cpus = parse_stat_cpus(read_file(paths.proc + "/stat"));
  if (cpus.empty()) {  // number them from 0
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    for (long cpu = 0; cpu < count && cpu < kMaxFallbackCpus; ++cpu) cpus.push_back(static_cast<std::uint16_t>(cpu));
  }
  return cpus;
}

std::string pretty_name(std::string_view os_release) {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  while (!os_release.empty()) {
    const std::size_t end = std::min(os_release.find('\n'), os_release.size());
    std::string_view line = os_release.substr(0, end);
    os_release.remove_prefix(std::min(end + 1, os_release.size()));
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') && line.back() == line.front()) {
      line = line.substr(1, line.size() - 2);
    }
    std::string value;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\' && i + 1 < line.size()) ++i;
      value += line[i];
    }
    return value;
  }
  return "";
}

pid_t process_of(pid_t tid, const KernelPaths& paths) {
  if (tid <= 0) return 0;
  std::istringstream status{read_file(process_dir(tid, paths) + "/status")};
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with("Tgid:")) continue;
    const std::size_t digit = line.find_first_of("0123456789");
    if (digit == std::string::npos) return 0;
    pid_t process = 0;
    std::from_chars(line.data() + digit, line.data() + line.size(), process);
    return process;
  }
  return 0;
}

PidKind pid_kind(pid_t pid, const KernelPaths& paths) {
  // /proc/PID answers for any thread id, although listing /proc shows processes only.
  const pid_t process = process_of(pid, paths);
  if (process == 0) return PidKind::kNone;
  return process == pid ? PidKind::kProcess : PidKind::kThread;
}

std::optional<std::uint64_t> process_start_ticks(pid_t pid, const KernelPaths& paths) {
  if (pid <= 0) return std::nullopt;
  const std::string stat = read_file(process_dir(pid, paths) + "/stat");
  // Field 22 of proc(5), counted behind the command name, which may itself hold spaces and parentheses.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields{stat.substr(name_end + 1)};
  std::string field;
  for (int number = 3; number <= 22; ++number) {
    if (!(fields >> field)) return std::nullopt;
  }
  std::uint64_t ticks = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), ticks);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return ticks;
}

std::uint64_t pid_namespace(const KernelPaths& paths) {
  struct stat status {};
  return ::stat((paths.proc + "/self/ns/pid").c_str(), &status) == 0 ? status.st_ino : 0;
}

bool pid_namespace_is_empty(std::uint64_t inode, const KernelPaths& paths, std::uint64_t first) {
  namespace fs = std::filesystem;
  if (inode == 0 || inode == first || pid_namespace(paths) != first) return false;
  struct stat status {};
  // With hidepid, or a /proc of another namespace, this one is not to be seen either.
  if (::stat((paths.proc + "/1/ns/pid").c_str(), &status) != 0 || status.st_ino != first) return false;
  std::error_code error;
  for (fs::directory_iterator process{paths.proc, error}, end; !error && process != end; process.increment(error)) {
    if (process->path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    for (const char* const kind : {"pid", "pid_for_children"}) {
      if (::stat((process->path() / "ns" / kind).c_str(), &status) == 0) {
        if (status.st_ino == inode) return false;
      } else if (errno != ENOENT && errno != ESRCH) {  // else it has ended
        return false;
      }
    }
  }
  return !error;
}

std::string foreign_children(const KernelPaths& paths) {
  for (const char* const kind : {"pid", "time"}) {
    const std::string own = paths.proc + "/self/ns/" + kind;
    const std::string theirs = own + "_for_children";
    struct stat one {};
    struct stat other {};
    if (::lstat(theirs.c_str(), &other) != 0 || ::stat(own.c_str(), &one) != 0) continue;  // an older kernel
    // A pid namespace that no process is in yet cannot be looked at.
    if (::stat(theirs.c_str(), &other) != 0 || one.st_ino != other.st_ino) return kind;
  }
  return "";
}

bool perf_cgroups_are_v1(const KernelPaths& paths) {
  std::istringstream hierarchies{read_file(paths.proc + "/self/cgroup")};
  for (std::string line; std::getline(hierarchies, line);) {  // "4:net_cls,perf_event:/docker"
    const std::string controllers = line.substr(0, line.find(':', line.find(':') + 1)) + ",";
    if (controllers.find(":perf_event,") != std::string::npos || controllers.find(",perf_event,") != std::string::npos) return true;
  }
  return false;
}

bool perf_cgroups_are_idle(const KernelPaths& paths) {
  std::error_code ignored;
  for (const std::string& place : {paths.cgroups, paths.cgroups + "/unified"}) {
    const std::string given = place + "/cgroup.subtree_control";
    // In a container this is not the root's, which alone has no events.
    if (!std::filesystem::exists(given, ignored) || std::filesystem::exists(place + "/cgroup.events", ignored)) continue;
    const std::string controllers = read_file(given);
    return controllers.find_first_not_of(" \n") == std::string::npos;
  }
  return false;
}

std::optional<std::uint64_t> threads_waiting_in(std::string_view function, const KernelPaths& paths) {
  namespace fs = std::filesystem;
  std::uint64_t waiting = 0;
  bool any_shown = false;
  const std::string name{function};
  std::error_code ignored;  // tasks end while we look
  for (const fs::directory_entry& process : fs::directory_iterator{paths.proc, ignored}) {
    if (process.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    for (const fs::directory_entry& thread : fs::directory_iterator{process.path() / "task", ignored}) {
      const std::string where = read_file((thread.path() / "wchan").string());
      if (where.empty()) continue;
      // "0" is a thread that runs, one we may not trace, and from 4.14 to 5.15 any (get_wchan without frame pointers).
      const std::string stack = where == "0" ? read_file((thread.path() / "stack").string()) : "";
      any_shown = any_shown || where != "0" || !stack.empty();
      if (where == function || stack.find(" " + name + "+0x") != std::string::npos) ++waiting;
    }
  }
  return any_shown ? std::optional{waiting} : std::nullopt;
}

UniqueFd open_pidfd(pid_t pid) { return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}; }

}  // namespace tcpaccept::kernel
