#include "kernel/loopback.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/unique_fd.h"

namespace tcpaccept::kernel {
namespace {

// include/uapi/linux/in.h from Linux 5.6 on; older C libraries do not have it.
constexpr int kIpprotoMptcp = 262;
// Loopback answers at once; a machine that takes longer than this is not worth waiting for. Where it did not answer
// once, a firewall holds it up.
constexpr int kPatienceMs = 1000;
constexpr int kImpatienceMs = 50;

struct Kind {
  const char* name;
  int listener_family;
  int client_family;
  int protocol;
};

constexpr Kind kKinds[] = {
    {"IPv4", AF_INET, AF_INET, IPPROTO_TCP},
    {"IPv6", AF_INET6, AF_INET6, IPPROTO_TCP},
    {"IPv4 on a dual-stack listener", AF_INET6, AF_INET, IPPROTO_TCP},
    {"MPTCP", AF_INET, AF_INET, kIpprotoMptcp},
};

// An end of a connection, whichever family the kernel gives it in.
struct End {
  IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const End&) const = default;
};

End end_of(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &from, sizeof v4);
    return {IpAddress::from_v4(v4.sin_addr.s_addr), ntohs(v4.sin_port)};
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &from, sizeof v6);
  End end{{}, ntohs(v6.sin6_port)};
  std::memcpy(end.address.bytes.data(), &v6.sin6_addr, end.address.bytes.size());
  return end;
}

// The loopback (or, for a dual-stack listener, the wildcard) address of a family.
socklen_t make_address(int family, bool wildcard, std::uint16_t port, sockaddr_storage& to) {
  to = {};
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4.sin_port = htons(port);
    std::memcpy(&to, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = wildcard ? in6addr_any : in6addr_loopback;
  v6.sin6_port = htons(port);
  std::memcpy(&to, &v6, sizeof v6);
  return sizeof v6;
}

// What went wrong with a system call; ends one kind of connection, not the test.
struct Failed {
  std::string why;
  bool late = false;
};

[[noreturn]] void fail(const char* call) {
  if (is_shortage(errno)) throw system_error(std::string{"cannot test the probe: "} + call, errno);
  throw Failed{.why = std::string{call} + ": " + errno_text(errno)};
}

End local_end(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) fail("getsockname");
  return end_of(address);
}

UniqueFd make_socket(int family, int protocol) {
  UniqueFd fd{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)};
  if (!fd.valid()) fail("socket");
  return fd;
}

void wait_for(int fd, short what, int patience_ms) {
  pollfd wait{fd, what, 0};
  const int ready = ::poll(&wait, 1, patience_ms);
  if (ready < 0) fail("poll");
  if (ready == 0) throw Failed{.why = "loopback does not answer", .late = true};
}

// Connections through an interface that was taken down go nowhere, in silence. True also when that cannot be told.
bool loopback_is_up() {
  const UniqueFd any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  return ::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_UP) != 0;
}

Accept make(const Kind& kind, int patience_ms) {
  const bool dual = kind.listener_family != kind.client_family;
  const UniqueFd listener = make_socket(kind.listener_family, kind.protocol);
  sockaddr_storage address{};
  socklen_t length = make_address(kind.listener_family, dual, 0, address);
  if (kind.listener_family == AF_INET6) {
    const int only = dual ? 0 : 1;
    if (::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0) fail("setsockopt");
  }
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) fail("bind");
  if (::listen(listener.get(), 4) != 0) fail("listen");

  const UniqueFd client = make_socket(kind.client_family, kind.protocol);
  length = make_address(kind.client_family, false, local_end(listener.get()).port, address);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno != EINPROGRESS) {
    fail("connect");
  }
  wait_for(client.get(), POLLOUT, patience_ms);
  const End client_end = local_end(client.get());

  for (int strangers = 0; strangers < 16; ++strangers) {
    wait_for(listener.get(), POLLIN, patience_ms);
    sockaddr_storage peer{};
    length = sizeof peer;
    const UniqueFd accepted{
        ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!accepted.valid()) fail("accept");
    if (end_of(peer) != client_end) continue;

    const End local = local_end(accepted.get());
    int protocol = 0;
    length = sizeof protocol;
    if (::getsockopt(accepted.get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) fail("getsockopt");
    Accept expected;
    expected.listener.pid = static_cast<std::uint32_t>(::getpid());
    ::prctl(PR_GET_NAME, expected.listener.comm.bytes.data());
    expected.listener.saddr = local.address;
    expected.listener.sport = local.port;
    expected.listener.family = static_cast<std::uint8_t>(kind.listener_family);
    expected.listener.protocol = static_cast<std::uint16_t>(protocol);
    expected.raddr = client_end.address;
    expected.rport = client_end.port;
    expected.tid = static_cast<std::uint32_t>(::gettid());
    return expected;
  }
  throw Failed{.why = "others keep connecting to the test's port"};
}

}  // namespace

std::vector<perf::OwnAccept> make_own_accepts() {
  std::vector<perf::OwnAccept> own;
  const bool up = loopback_is_up();
  int patience_ms = kPatienceMs;
  for (const Kind& kind : kKinds) {
    perf::OwnAccept& accept = own.emplace_back();
    accept.kind = kind.name;
    if (!up) {
      accept.why_not = "the loopback interface is down";
      continue;
    }
    try {
      accept.expected = make(kind, patience_ms);
      accept.made = true;
    } catch (const Failed& failed) {
      accept.why_not = failed.why;
      if (failed.late) patience_ms = kImpatienceMs;
    }
  }
  return own;
}

}  // namespace tcpaccept::kernel
