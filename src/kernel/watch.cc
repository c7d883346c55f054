#include "kernel/watch.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "core/error.h"
#include "kernel/host_facts.h"

namespace tcpaccept::kernel {
namespace {

// A file of the kernel's that is made anew for each read from its beginning. "" when it cannot be read.
std::string read_again(const UniqueFd& fd) {
  std::string text;
  std::array<char, 4096> part;
  while (fd.valid()) {
    const ssize_t got = ::pread(fd.get(), part.data(), part.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

UniqueFd open_to_read(const std::string& path) { return UniqueFd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}; }

// debugfs by a mount that nobody sees and that goes with the descriptor. ENODEV where the kernel has none.
UniqueFd mount_debugfs() {
  const UniqueFd context{::fsopen("debugfs", FSOPEN_CLOEXEC)};
  if (!context.valid() || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  return UniqueFd{::fsmount(context.get(), FSMOUNT_CLOEXEC, 0)};
}

// Uevents go to network namespaces of the first user namespace and to no others (uevent_net_init in
// lib/kobject_uevent.c, 4.18 to 7.2).
bool uevents_arrive() {
  constexpr ino_t kFirstUserNamespace = 0xeffffffd;  // PROC_USER_INIT_INO
  const UniqueFd net = open_to_read("/proc/self/ns/net");
  const UniqueFd owner{net.valid() ? ::ioctl(net.get(), NS_GET_USERNS) : -1};
  struct stat status {};
  return owner.valid() && ::fstat(owner.get(), &status) == 0 && status.st_ino == kFirstUserNamespace;
}

bool readable(const UniqueFd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  return !fd.valid() || ::poll(&wait, 1, 0) != 0;
}

}  // namespace

bool SwitchWatch::announced() const { return readable(changes_); }
bool CpuWatch::announced() const { return readable(uevents_); }

SwitchWatch::SwitchWatch(const KernelPaths& paths) : changes_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  int inotify_error = changes_.valid() ? 0 : errno;
  const auto add = [&](UniqueFd file, std::string off) {
    if (!file.valid()) return;  // no switch that probes heed in this kernel, or nobody can use it (lockdown)
    // By its descriptor: a mount of our own has no path.
    const std::string path = "/proc/self/fd/" + std::to_string(file.get());
    if (changes_.valid() && ::inotify_add_watch(changes_.get(), path.c_str(), IN_MODIFY) < 0) inotify_error = errno;
    switches_.push_back({std::move(file), std::move(off)});
  };
  add(open_to_read(paths.ftrace_enabled),
      "kernel.ftrace_enabled is 0, so no probe delivers anything; switch it on with "
      "\"sysctl kernel.ftrace_enabled=1\"");

  UniqueFd kprobes = open_to_read(paths.kprobes_enabled);
  std::string remedy = "echo 1 > " + paths.kprobes_enabled;
  // Somebody can mount debugfs later, when we may not open anything there.
  if (!kprobes.valid() && errno == ENOENT && paths.unmounted_debugfs) {
    constexpr std::string_view kMount = "mount -t debugfs debugfs /sys/kernel/debug";
    remedy.insert(0, std::string{kMount} + "; ");
    const UniqueFd debugfs = mount_debugfs();
    if (debugfs.valid()) {
      kprobes = UniqueFd{::openat(debugfs.get(), "kprobes/enabled", O_RDONLY | O_CLOEXEC)};
    } else if (errno != ENODEV) {
      unwatched_ = "probes switched off in debugfs would go unnoticed, it is not mounted; mount it with \"";
      unwatched_.append(kMount) += '"';
    }
  }
  add(std::move(kprobes),
      paths.kprobes_enabled + " is 0, so no probe delivers anything; switch it on with \"" + remedy + "\"");

  if (inotify_error != 0) {
    unwatched_ = "probes switched off for a moment would go unnoticed, inotify does not work (" +
                 errno_text(inotify_error) + "); raise fs.inotify.max_user_instances or fs.inotify.max_user_watches";
  }
}

std::string SwitchWatch::look(bool& touched) {
  touched = false;
  alignas(inotify_event) std::array<char, 4096> events;
  while (changes_.valid() && ::read(changes_.get(), events.data(), events.size()) > 0) touched = true;
  for (const Switch& one : switches_) {
    char first = 0;
    if (::pread(one.file.get(), &first, 1, 0) == 1 && first == '0') return one.off;
  }
  return "";
}

CpuWatch::CpuWatch(const KernelPaths& paths)
    : list_(open_to_read(paths.cpus_online)),
      present_(open_to_read(paths.cpus_present)),
      uevents_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;  // the kernel's own
  if (uevents_.valid() && ::bind(uevents_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    uevents_.reset();
  }
  heard_ = uevents_.valid() && uevents_arrive();
  if (!list_.valid()) stat_ = open_to_read(paths.proc + "/stat");
  last_ = online();
  known_.insert(last_.begin(), last_.end());
}

bool CpuWatch::changed() {
  bool changed = false;
  std::array<char, 8192> event;
  while (uevents_.valid()) {
    const ssize_t got = ::recv(uevents_.get(), event.data(), event.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) changed = true;  // some were lost
    if (got < 0 && errno != ENOBUFS) break;
    // "online@/devices/system/cpu/cpu3". Anybody may send to this socket; all it can bring about is a look.
    const std::string_view text{event.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    changed = changed || text.find("@/devices/system/cpu/cpu") != std::string_view::npos;
  }
  std::vector<std::uint16_t> now = online();
  changed = changed || now != last_;
  last_ = std::move(now);
  known_.insert(last_.begin(), last_.end());
  return changed;
}

std::vector<std::uint16_t> CpuWatch::online() const {
  return list_.valid() ? parse_cpu_list(read_again(list_)) : parse_stat_cpus(read_again(stat_));
}

std::vector<std::uint16_t> CpuWatch::present() const {
  if (!present_.valid()) return {known_.begin(), known_.end()};
  return parse_cpu_list(read_again(present_));
}

}  // namespace tcpaccept::kernel
