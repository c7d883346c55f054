#include "kernel/watch.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "kernel/host_facts.h"

namespace tcpaccept::kernel {
namespace {

// The start of a file of the kernel's that is made anew for each read from its beginning.
std::string read_again(int fd) {
  std::array<char, 4096> text;
  const ssize_t got = fd < 0 ? -1 : ::pread(fd, text.data(), text.size(), 0);
  return got > 0 ? std::string{text.data(), static_cast<std::size_t>(got)} : std::string{};
}

bool readable(const UniqueFd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  return !fd.valid() || ::poll(&wait, 1, 0) != 0;
}

}  // namespace

bool SwitchWatch::announced() const { return readable(changes_); }
bool CpuWatch::announced() const { return readable(uevents_); }

SwitchWatch::SwitchWatch(const KernelPaths& paths) : changes_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  const auto add = [&](const std::string& path, std::string off) {
    UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.valid()) return;  // no switch that probes heed in this kernel, or debugfs is not mounted
    if (changes_.valid()) ::inotify_add_watch(changes_.get(), path.c_str(), IN_MODIFY);
    switches_.push_back({std::move(file), std::move(off)});
  };
  add(paths.ftrace_enabled,
      "kernel.ftrace_enabled is 0, so no probe delivers anything; switch it on with "
      "\"sysctl kernel.ftrace_enabled=1\"");
  add(paths.kprobes_enabled, paths.kprobes_enabled + " is 0, so no probe delivers anything; switch it on with \"echo 1 > " +
                                 paths.kprobes_enabled + "\"");
}

std::string SwitchWatch::look(bool& touched) {
  touched = false;
  alignas(inotify_event) std::array<char, 4096> events;
  while (changes_.valid() && ::read(changes_.get(), events.data(), events.size()) > 0) touched = true;
  for (const Switch& one : switches_) {
    if (read_again(one.file.get()).starts_with('0')) return one.off;
  }
  return "";
}

CpuWatch::CpuWatch(const KernelPaths& paths)
    : list_(::open(paths.cpus_online.c_str(), O_RDONLY | O_CLOEXEC)),
      present_(::open(paths.cpus_present.c_str(), O_RDONLY | O_CLOEXEC)),
      uevents_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;  // the kernel's own
  if (uevents_.valid() && ::bind(uevents_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    uevents_.reset();
  }
  last_ = read_list();
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
  std::string now = read_list();
  changed = changed || now != last_;
  last_ = std::move(now);
  return changed;
}

std::string CpuWatch::read_list() const { return read_again(list_.get()); }

std::vector<std::uint16_t> CpuWatch::present() const { return parse_cpu_list(read_again(present_.get())); }
std::vector<std::uint16_t> CpuWatch::online() const { return parse_cpu_list(read_list()); }

}  // namespace tcpaccept::kernel
