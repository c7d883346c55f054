// Known waits in the accept queue: clients connect one after the other while the server does not accept, then the server sleeps a known
// time and takes them in order. Sleeping is the subject here, not a way to wait for something.
//
// The truth: the i-th accepted connection found i others waiting, the limit is the argument of listen(), and the wait lies between what
// the clocks of client and server allow.
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "parts.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace tcpaccept::vm {

namespace {

void sleep_ms(long ms) {
  const timespec duration{.tv_sec = 0, .tv_nsec = ms * 1'000'000};
  ::nanosleep(&duration, nullptr);
}

struct Queue {
  std::string bind;
  std::string server;
  std::string from;
  int protocol = 0;         // of the listener
  int client_protocol = 0;  // of the clients
  bool fast_open = false;
  bool cookies = false;
};

void wait_in_queue(const Context& c, const Queue& queue) {
  constexpr int kConnections = 6;
  constexpr int kBacklog = 17;  // a number nobody else uses
  std::optional<Setting> setting;
  if (queue.fast_open) setting.emplace("net/ipv4/tcp_fastopen", "3");
  if (queue.cookies) setting.emplace("net/ipv4/tcp_syncookies", "2");
  const long cookies_before = syn_cookies_taken();
  const Fd listener = listen_on(queue.bind, {.dual_stack = queue.bind == "::",
                                             .backlog = kBacklog,
                                             .protocol = queue.protocol,
                                             .fast_open = queue.fast_open ? 16 : 0});
  const std::string rtt = queue.cookies ? "none" : "some";
  const Signal go;
  const auto accept_as = [&](int ahead, const std::string& known_rtt) {
    const Fd connection =
        accept_one(c.log, c.name, listener.get(), AcceptCall::kAccept, {.ahead = ahead, .backlog = kBacklog, .rtt = known_rtt});
    if (queue.fast_open) read_some(connection.get());
  };
  Child server([&] {
    set_comm("srv-" + c.name);
    // This one finds an empty queue and, with Fast Open, fetches the cookie. If it has a cookie of an earlier run it may be accepted before
    // its round trip is over.
    accept_as(0, queue.fast_open ? "" : rtt);
    go.wait();
    sleep_ms(80);
    for (int i = 0; i < kConnections; ++i) {
      accept_as(i, rtt);
      sleep_ms(5);
    }
  });
  wait_until_in_accept(server.pid(), server.pid());
  c.gate(server.pid());
  const ConnectOptions options{.from = queue.from, .protocol = queue.client_protocol, .fast_open = queue.fast_open};
  const Endpoint to = reach(listener.get(), queue.server);
  visit(c, to, options);
  std::vector<Fd> clients;
  for (int i = 0; i < kConnections; ++i) {
    clients.push_back(connect_to(c.log, c.name, to, options));
    if (queue.fast_open && !used_fast_open(clients.back().get())) throw std::runtime_error("Fast Open was not used");
    sleep_ms(5);
  }
  if (queue.cookies && syn_cookies_taken() <= cookies_before) throw std::runtime_error("SYN cookies were not used");
  go.raise();
  server.join();
}

void queue_v4(const Context& c) { wait_in_queue(c, {.bind = c.v4_server, .server = c.v4_server, .from = c.v4_client}); }
void queue_v6(const Context& c) { wait_in_queue(c, {.bind = c.v6_server, .server = c.v6_server, .from = c.v6_client}); }
void queue_dual(const Context& c) { wait_in_queue(c, {.bind = "::", .server = c.v4_server, .from = c.v4_client}); }

void queue_fast_open(const Context& c) {
  wait_in_queue(c, {.bind = c.v4_server, .server = c.v4_server, .from = c.v4_client, .fast_open = true});
}
void queue_fast_open_v6(const Context& c) {
  wait_in_queue(c, {.bind = c.v6_server, .server = c.v6_server, .from = c.v6_client, .fast_open = true});
}
void queue_cookies(const Context& c) {
  wait_in_queue(c, {.bind = c.v4_server, .server = c.v4_server, .from = c.v4_client, .cookies = true});
}
void queue_cookies_v6(const Context& c) {
  wait_in_queue(c, {.bind = c.v6_server, .server = c.v6_server, .from = c.v6_client, .cookies = true});
}

void queue_mptcp(const Context& c, const Queue& queue) {
  if (!kernel_has_mptcp()) return note(c, "no MPTCP in this kernel");
  wait_in_queue(c, queue);
}
void queue_mptcp_v4(const Context& c) {
  queue_mptcp(c, {.bind = c.v4_server,
                  .server = c.v4_server,
                  .from = c.v4_client,
                  .protocol = IPPROTO_MPTCP,
                  .client_protocol = IPPROTO_MPTCP});
}
void queue_mptcp_v6(const Context& c) {
  queue_mptcp(c, {.bind = c.v6_server,
                  .server = c.v6_server,
                  .from = c.v6_client,
                  .protocol = IPPROTO_MPTCP,
                  .client_protocol = IPPROTO_MPTCP});
}
void queue_mptcp_plain(const Context& c) {
  queue_mptcp(c, {.bind = c.v4_server, .server = c.v4_server, .from = c.v4_client, .protocol = IPPROTO_MPTCP});
}

}  // namespace

std::vector<Scenario> queue_scenarios() {
  return {
      {"queue", "connections wait 80 ms and more in the queue", true, queue_v4},
      {"queue-v6", "the same over IPv6", false, queue_v6},
      {"queue-dual", "the same over IPv4 to a dual-stack listener", false, queue_dual},
      {"queue-fastopen", "the same with Fast Open", false, queue_fast_open},
      {"queue-fastopen6", "the same with Fast Open over IPv6", false, queue_fast_open_v6},
      {"queue-cookies", "the same with SYN cookies", false, queue_cookies},
      {"queue-cookies6", "the same with SYN cookies over IPv6", false, queue_cookies_v6},
      {"queue-mptcp", "the same with MPTCP", false, queue_mptcp_v4},
      {"queue-mptcp-v6", "the same with MPTCP over IPv6", false, queue_mptcp_v6},
      {"queue-mptcp-tcp", "the same with an MPTCP listener and TCP clients", false, queue_mptcp_plain},
  };
}

}  // namespace tcpaccept::vm
