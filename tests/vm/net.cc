#include "net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <system_error>

namespace tcpaccept::vm {

namespace {

// The sockets API takes a pointer to the generic address for every family.
sockaddr* generic(sockaddr_storage& address) { return reinterpret_cast<sockaddr*>(&address); }

sockaddr_storage to_sockaddr(const std::string& address, std::uint16_t port, int family, socklen_t& length) {
  sockaddr_storage result{};
  if (family == AF_INET6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const std::size_t percent = address.find('%');
    if (percent != std::string::npos) {
      v6.sin6_scope_id = ::if_nametoindex(address.c_str() + percent + 1);
      if (v6.sin6_scope_id == 0) throw std::system_error(errno, std::generic_category(), "interface of " + address);
    }
    if (inet_pton(AF_INET6, address.substr(0, percent).c_str(), &v6.sin6_addr) != 1) throw std::runtime_error("bad address " + address);
    std::memcpy(&result, &v6, sizeof v6);
    length = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) throw std::runtime_error("bad address " + address);
    std::memcpy(&result, &v4, sizeof v4);
    length = sizeof v4;
  }
  return result;
}

int family_of(const std::string& address) { return address.find(':') == std::string::npos ? AF_INET : AF_INET6; }

std::uint64_t inode_of(const std::string& path) {
  struct stat status {};
  check(::stat(path.c_str(), &status), path.c_str());
  return status.st_ino;
}

std::string link_text(const char* path) {
  std::array<char, 64> text{};
  const auto length = check(static_cast<int>(::readlink(path, text.data(), text.size() - 1)), path);
  return {text.data(), static_cast<std::size_t>(length)};
}

Identity look_up_identity() {
  Identity result;
  result.pid = std::stoll(link_text("/proc/self"));
  result.nspid = ::getpid();
  result.netns = inode_of("/proc/self/ns/net");
  std::ifstream cgroups("/proc/self/cgroup");
  for (std::string line; std::getline(cgroups, line);) {
    if (line.rfind("0::", 0) != 0) continue;
    struct stat status {};
    const std::string path = line.substr(3);
    if (::stat(("/sys/fs/cgroup" + path).c_str(), &status) != 0) continue;
    result.cgroup_path = path;
    result.cgroup = status.st_ino;
  }
  return result;
}

std::mutex identity_lock;
Identity known_identity;

}  // namespace

int check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void set_comm(const std::string& name) { check(::prctl(PR_SET_NAME, name.c_str()), "prctl(PR_SET_NAME)"); }

std::string comm() {
  std::array<char, 17> name{};
  check(::prctl(PR_GET_NAME, name.data()), "prctl(PR_GET_NAME)");
  return name.data();
}

Identity identity() {
  const std::lock_guard guard(identity_lock);
  // After fork() the copy is the parent's.
  if (known_identity.nspid != ::getpid()) known_identity = look_up_identity();
  return known_identity;
}

void forget_identity() {
  const std::lock_guard guard(identity_lock);
  known_identity = {};
}

std::int64_t outer_tid() {
  const Identity self = identity();
  if (self.pid == self.nspid) return ::gettid();
  const std::string link = link_text("/proc/thread-self");
  return std::stoll(link.substr(link.rfind('/') + 1));
}

TruthRow new_row(Side side, const std::string& scenario) {
  const Identity self = identity();
  TruthRow row;
  row.side = side;
  row.scenario = scenario;
  row.pid = self.pid;
  row.tid = outer_tid();
  row.comm = comm();
  row.nspid = self.nspid;
  row.netns = self.netns;
  row.cgroup = self.cgroup;
  row.cgroup_path = self.cgroup_path;
  row.before_ns = monotonic_ns();
  return row;
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Signal::Signal() : fd_(check(::eventfd(0, EFD_CLOEXEC), "eventfd")) {}

void Signal::raise(std::uint64_t value) const {
  check(static_cast<int>(::write(fd_.get(), &value, sizeof value)), "write to eventfd");
}

std::uint64_t Signal::wait() const {
  std::uint64_t value = 0;
  check(static_cast<int>(::read(fd_.get(), &value, sizeof value)), "read from eventfd");
  return value;
}

Child::Child(const std::function<void()>& body) {
  pid_ = check(::fork(), "fork");
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vm-workload: process %d: %s\n", ::getpid(), error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

void Child::join() {
  int status = 0;
  check(::waitpid(pid_, &status, 0), "waitpid");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("a process of the workload failed");
}

void wait_until_in_call(pid_t pid, pid_t tid, long number) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/syscall";
  std::array<char, 128> text{};
  const std::string wanted = std::to_string(number) + ' ';
  for (;;) {
    // The file holds the number of the system call a sleeping thread is in, or "running".
    const Fd file(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str()));
    const auto length = check(static_cast<int>(::read(file.get(), text.data(), text.size())), path.c_str());
    if (std::string_view(text.data(), static_cast<std::size_t>(length)).substr(0, wanted.size()) == wanted) return;
    ::sched_yield();
  }
}

void wait_until_in_accept(pid_t pid, pid_t tid) { wait_until_in_call(pid, tid, SYS_accept); }

Fd listen_on(const std::string& address, const ListenOptions& options) {
  const int family = family_of(address);
  Fd fd(check(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | (options.non_blocking ? SOCK_NONBLOCK : 0), options.protocol),
              "socket"));
  const int on = 1;
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  if (options.reuse_port) check(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), "SO_REUSEPORT");
  if (family == AF_INET6) {
    const int v6_only = options.dual_stack ? 0 : 1;
    check(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only), "IPV6_V6ONLY");
  }
  if (options.fast_open > 0) {
    check(::setsockopt(fd.get(), IPPROTO_TCP, TCP_FASTOPEN, &options.fast_open, sizeof options.fast_open), "TCP_FASTOPEN");
  }
  if (options.reset) {
    const linger abort{.l_onoff = 1, .l_linger = 0};  // accepted connections inherit it
    check(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), "SO_LINGER");
  }
  socklen_t length = 0;
  sockaddr_storage target = to_sockaddr(address, options.port, family, length);
  check(::bind(fd.get(), generic(target), length), ("bind to " + address).c_str());
  check(::listen(fd.get(), options.backlog), "listen");
  return fd;
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  check(::getsockname(fd, generic(address), &length), "getsockname");
  return to_endpoint(address);
}

Endpoint peer_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  check(::getpeername(fd, generic(address), &length), "getpeername");
  return to_endpoint(address);
}

void describe_accepted(TruthRow& row, int fd, const sockaddr_storage& peer) {
  // The address accept() filled in, not getpeername(): the latter fails once the client has reset the connection.
  row.remote = to_endpoint(peer);
  row.local = local_endpoint(fd);
  socklen_t length = sizeof row.protocol;
  check(::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &row.protocol, &length), "SO_PROTOCOL");
}

Fd accept_one(const TruthLog& log, const std::string& scenario, int listener, AcceptCall call, const Figures& figures) {
  TruthRow row = new_row(Side::kAccept, scenario);
  row.figures = figures;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const int result = call == AcceptCall::kAccept
                         ? ::accept(listener, generic(peer), &length)
                         : ::accept4(listener, generic(peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  row.after_ns = monotonic_ns();
  if (result < 0 && errno == EAGAIN) return Fd();
  Fd connection(check(result, "accept"));
  describe_accepted(row, connection.get(), peer);
  log.write(row);
  return connection;
}

Fd connect_to(const TruthLog& log, const std::string& scenario, const Endpoint& to, const ConnectOptions& options) {
  const int family = family_of(to.address);
  TruthRow row;
  if (log.writes()) row = new_row(Side::kConnect, scenario);
  Fd fd(check(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, options.protocol), "socket"));
  socklen_t length = 0;
  if (!options.from.empty()) {
    const int on = 1;
    // The port is then chosen by connect(), which takes any that is free for this server. A help, not a need; MPTCP may not know it.
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
    sockaddr_storage source = to_sockaddr(options.from, 0, family, length);
    check(::bind(fd.get(), generic(source), length), ("bind to " + options.from).c_str());
  }
  sockaddr_storage target = to_sockaddr(to.address, to.port, family, length);
  if (options.fast_open) {
    const char byte = 'x';
    check(static_cast<int>(::sendto(fd.get(), &byte, 1, MSG_FASTOPEN, generic(target), length)), "sendto(MSG_FASTOPEN)");
    pollfd writable{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    check(::poll(&writable, 1, -1), "poll");
  } else {
    check(::connect(fd.get(), generic(target), length), ("connect to " + to.address).c_str());
  }
  if (!log.writes()) return fd;
  row.after_ns = monotonic_ns();
  row.remote = peer_endpoint(fd.get());
  row.local = local_endpoint(fd.get());
  log.write(row);
  return fd;
}

void read_some(int fd) {
  std::array<char, 256> buffer{};
  check(static_cast<int>(::read(fd, buffer.data(), buffer.size())), "read");
}

void read_to_end(int fd) {
  if (fd < 0) return;
  std::array<char, 256> buffer{};
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer.data(), buffer.size());
  } while (got > 0 || (got < 0 && errno == EINTR));
}

}  // namespace tcpaccept::vm
