// What must never show: accepts that are not TCP's, and accepts that fail. No scenario here writes an accept row.
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>  // older ones need sys/socket.h before them

#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

// Three clients of a stream listener of any family, with nothing but the calls themselves. False: the kernel has no such sockets.
bool serve_other(const Context& c, int family, int protocol, const std::function<void(int)>& bind_it,
                 const std::function<void(int, int)>& connect_it) {
  constexpr int kConnections = 3;
  const Fd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol));
  if (listener.get() < 0) return false;
  bind_it(listener.get());
  check(::listen(listener.get(), 8), "listen");
  Child server([&] {
    set_comm("srv-" + c.name);
    for (int i = 0; i < kConnections; ++i) Fd(check(::accept(listener.get(), nullptr, nullptr), "accept"));
  });
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) {
    const Fd client(check(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol), "socket"));
    connect_it(client.get(), listener.get());
    read_to_end(client.get());
  }
  server.join();
  return true;
}

// Connects `client` to where `listener` listens.
void connect_to_same(int client, int listener) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  check(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  check(::connect(client, reinterpret_cast<const sockaddr*>(&address), length), "connect");
}

void sctp(const Context& c) {
  const bool done = serve_other(
      c, AF_INET, IPPROTO_SCTP,
      [](int fd) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
      },
      connect_to_same);
  if (!done) note(c, "no SCTP in this kernel");
}

void vsock(const Context& c) {
  constexpr unsigned kPort = 5201;
  const auto address_of = [](unsigned cid) {
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = cid;
    address.svm_port = kPort;
    return address;
  };
  const bool done = serve_other(
      c, AF_VSOCK, 0,
      [&](int fd) {
        const sockaddr_vm address = address_of(VMADDR_CID_ANY);
        check(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
      },
      [&](int client, int) {
        const sockaddr_vm address = address_of(1);  // this machine itself (VMADDR_CID_LOCAL)
        check(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect to vsock");
      });
  if (!done) note(c, "no vsock in this kernel");
}

void udp(const Context& c) {
  const Fd receiver(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  c.gate(::getpid());
  const Fd sender(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  connect_to_same(sender.get(), receiver.get());
  char byte = 'x';
  for (int i = 0; i < 3; ++i) {
    check(static_cast<int>(::send(sender.get(), &byte, 1, 0)), "send");
    check(static_cast<int>(::recv(receiver.get(), &byte, 1, 0)), "recv");
  }
  if (::accept(receiver.get(), nullptr, nullptr) >= 0) throw std::runtime_error("accept on a UDP socket");
}

// A process blocked in accept() that `disturb` gets out of it, three times, with the error `expected`.
void disturbed(const Context& c, int expected, const std::function<void(pid_t, int)>& disturb) {
  constexpr int kTimes = 3;
  const Fd listener = listen_on(c.v4_server);
  const Signal failed;
  const Signal again;
  Child server([&] {
    set_comm("srv-" + c.name);
    struct sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART
    check(::sigaction(SIGUSR1, &action, nullptr), "sigaction");
    for (int i = 0; i < kTimes; ++i) {
      const int result = ::accept(listener.get(), nullptr, nullptr);
      if (result >= 0 || errno != expected) throw std::runtime_error("accept() did not fail as it should");
      failed.raise();
      again.wait();
    }
  });
  wait_until_in_accept(server.pid(), server.pid());
  c.gate(server.pid());
  for (int i = 0; i < kTimes; ++i) {
    disturb(server.pid(), listener.get());
    failed.wait();
    again.raise();
  }
  server.join();
}

void interrupted(const Context& c) {
  disturbed(c, EINTR, [](pid_t server, int) {
    wait_until_in_accept(server, server);
    check(::kill(server, SIGUSR1), "kill");
  });
}

void shut_down(const Context& c) {
  // After the first time accept() fails at once.
  disturbed(c, EINVAL, [](pid_t, int listener) { ::shutdown(listener, SHUT_RDWR); });
}

// A connection waits, but the server has no descriptor left for it.
void no_descriptors(const Context& c) {
  const TruthLog none("");
  const Fd listener = listen_on(c.v4_server);
  const Signal go;
  Child server([&] {
    set_comm("srv-" + c.name);
    go.wait();
    const rlimit limit{.rlim_cur = 3, .rlim_max = 3};
    check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    for (int i = 0; i < 3; ++i) {
      if (::accept(listener.get(), nullptr, nullptr) >= 0 || errno != EMFILE) throw std::runtime_error("accept() without descriptors");
    }
  });
  c.gate(server.pid());
  const Fd client = connect_to(none, c.name, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  go.raise();
  server.join();
}

}  // namespace

std::vector<Scenario> hidden_scenarios() {
  return {
      {"sctp", "SCTP accepts (must not show)", true, sctp},
      {"vsock", "vsock accepts (must not show)", true, vsock},
      {"udp", "UDP (must not show)", true, udp},
      {"interrupted", "accept() ended by a signal (must not show)", true, interrupted},
      {"shut-down", "accept() ended by shutdown() (must not show)", true, shut_down},
      {"no-fds", "accept() without a free descriptor (must not show)", true, no_descriptors},
  };
}

}  // namespace tcpaccept::vm
