#include "net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
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
    if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) throw std::runtime_error("bad address " + address);
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

TruthRow new_row(Side side, const std::string& scenario) {
  TruthRow row;
  row.side = side;
  row.scenario = scenario;
  row.pid = ::getpid();
  row.tid = ::gettid();
  row.comm = comm();
  row.before_ns = monotonic_ns();
  return row;
}

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

void Signal::raise() const {
  const std::uint64_t one = 1;
  check(static_cast<int>(::write(fd_.get(), &one, sizeof one)), "write to eventfd");
}

void Signal::wait() const {
  std::uint64_t value = 0;
  check(static_cast<int>(::read(fd_.get(), &value, sizeof value)), "read from eventfd");
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

void wait_until_in_accept(pid_t pid, pid_t tid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/syscall";
  for (;;) {
    std::ifstream file(path);
    // The file holds the number of the system call a sleeping thread is in, or "running".
    long number = -1;
    if (!file) throw std::runtime_error("cannot read " + path);
    if ((file >> number) && (number == SYS_accept || number == SYS_accept4)) return;
    ::sched_yield();
  }
}

Fd listen_on(const std::string& address, const ListenOptions& options) {
  const int family = family_of(address);
  Fd fd(check(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | (options.non_blocking ? SOCK_NONBLOCK : 0), 0), "socket"));
  const int on = 1;
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  if (options.reuse_port) check(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), "SO_REUSEPORT");
  if (family == AF_INET6) {
    const int v6_only = options.dual_stack ? 0 : 1;
    check(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only), "IPV6_V6ONLY");
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

Fd accept_one(const TruthLog& log, const std::string& scenario, int listener, AcceptCall call) {
  TruthRow row = new_row(Side::kAccept, scenario);
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const int result = call == AcceptCall::kAccept
                         ? ::accept(listener, generic(peer), &length)
                         : ::accept4(listener, generic(peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  row.after_ns = monotonic_ns();
  if (result < 0 && errno == EAGAIN) return Fd();
  Fd connection(check(result, "accept"));
  // The address accept() filled in, not getpeername(): the latter fails once the client has reset the connection.
  row.remote = to_endpoint(peer);
  row.local = local_endpoint(connection.get());
  log.write(row);
  return connection;
}

Fd connect_to(const TruthLog& log, const std::string& scenario, const Endpoint& to, const std::string& from) {
  const int family = family_of(to.address);
  TruthRow row = new_row(Side::kConnect, scenario);
  Fd fd(check(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  socklen_t length = 0;
  if (!from.empty()) {
    sockaddr_storage source = to_sockaddr(from, 0, family, length);
    check(::bind(fd.get(), generic(source), length), ("bind to " + from).c_str());
  }
  sockaddr_storage target = to_sockaddr(to.address, to.port, family, length);
  check(::connect(fd.get(), generic(target), length), ("connect to " + to.address).c_str());
  row.after_ns = monotonic_ns();
  row.remote = peer_endpoint(fd.get());
  row.local = local_endpoint(fd.get());
  log.write(row);
  return fd;
}

void read_to_end(int fd) {
  std::array<char, 256> buffer{};
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer.data(), buffer.size());
  } while (got > 0 || (got < 0 && errno == EINTR));
}

}  // namespace tcpaccept::vm
