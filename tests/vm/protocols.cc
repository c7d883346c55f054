// MPTCP, TCP Fast Open and SYN cookies: connections that become established in another way than usual.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "parts.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace tcpaccept::vm {

namespace {

void mptcp(const Context& c, Simple options, bool server, bool client) {
  if (!kernel_has_mptcp()) return note(c, "no MPTCP in this kernel");
  if (server) options.listener.protocol = IPPROTO_MPTCP;
  if (client) options.client.protocol = IPPROTO_MPTCP;
  simple(c, options);
}

Simple usual_v4(const Context& c) { return {.bind = c.v4_server, .server = c.v4_server, .client = {.from = c.v4_client}}; }
Simple usual_v6(const Context& c) { return {.bind = c.v6_server, .server = c.v6_server, .client = {.from = c.v6_client}}; }
Simple usual_dual(const Context& c) {
  return {.bind = "::", .server = c.v4_server, .listener = {.dual_stack = true}, .client = {.from = c.v4_client}};
}

void mptcp_v4(const Context& c) { mptcp(c, usual_v4(c), true, true); }
void mptcp_v6(const Context& c) { mptcp(c, usual_v6(c), true, true); }
void mptcp_dual(const Context& c) { mptcp(c, usual_dual(c), true, true); }
void mptcp_plain(const Context& c) { mptcp(c, usual_v4(c), true, false); }
void mptcp_plain_v6(const Context& c) { mptcp(c, usual_v6(c), true, false); }
void mptcp_plain_dual(const Context& c) { mptcp(c, usual_dual(c), true, false); }
void plain_mptcp(const Context& c) { mptcp(c, usual_v4(c), false, true); }

// The first client only fetches the cookie; the data of the others must have travelled in the SYN.
void fast_open(const Context& c, const std::string& bind, const std::string& to, const std::string& from) {
  constexpr int kConnections = 4;
  const Setting on("net/ipv4/tcp_fastopen", "3");
  const Fd listener = listen_on(bind, {.dual_stack = bind == "::", .fast_open = 16});
  Child server([&] {
    set_comm("srv-fastopen");
    for (int i = 0; i < kConnections; ++i) {
      const Fd connection = accept_one(c.log, c.name, listener.get());
      read_some(connection.get());
    }
  });
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) {
    const Fd client = connect_to(c.log, c.name, reach(listener.get(), to), {.from = from, .fast_open = true});
    if (i > 0 && !used_fast_open(client.get())) throw std::runtime_error("Fast Open was not used");
    read_to_end(client.get());
  }
  server.join();
}

void fast_open_v4(const Context& c) { fast_open(c, c.v4_server, c.v4_server, c.v4_client); }
void fast_open_v6(const Context& c) { fast_open(c, c.v6_server, c.v6_server, c.v6_client); }
void fast_open_dual(const Context& c) { fast_open(c, "::", c.v4_server, c.v4_client); }

void cookies(const Context& c, const Simple& options) {
  const Setting always("net/ipv4/tcp_syncookies", "2");
  const long before = syn_cookies_taken();
  simple(c, options);
  if (syn_cookies_taken() <= before) throw std::runtime_error("SYN cookies were not used");
}

void cookies_v4(const Context& c) { cookies(c, usual_v4(c)); }
void cookies_v6(const Context& c) { cookies(c, usual_v6(c)); }
void cookies_dual(const Context& c) { cookies(c, usual_dual(c)); }

}  // namespace

bool kernel_has_mptcp() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP)).get() >= 0; }

long syn_cookies_taken() {
  std::ifstream file("/proc/net/netstat");
  // Two lines per group: the names, then the values in the same order.
  std::string names;
  std::string values;
  while (std::getline(file, names) && std::getline(file, values)) {
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string name;
    std::string value;
    while (name_words >> name && value_words >> value) {
      if (name == "SyncookiesRecv") return std::stol(value);
    }
  }
  throw std::runtime_error("no SyncookiesRecv in /proc/net/netstat");
}

bool used_fast_open(int client) {
  tcp_info info{};
  socklen_t length = sizeof info;
  check(::getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &length), "TCP_INFO");
  return (info.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
}

std::vector<Scenario> protocol_scenarios() {
  return {
      {"mptcp", "MPTCP listener and clients", false, mptcp_v4},
      {"mptcp-v6", "the same over IPv6", false, mptcp_v6},
      {"mptcp-dual", "the same over IPv4 to a dual-stack listener", false, mptcp_dual},
      {"mptcp-tcp", "MPTCP listener, plain TCP clients", false, mptcp_plain},
      {"mptcp-tcp-v6", "the same over IPv6", false, mptcp_plain_v6},
      {"mptcp-tcp-dual", "the same over IPv4 to a dual-stack listener", false, mptcp_plain_dual},
      {"tcp-mptcp", "plain TCP listener, MPTCP clients", false, plain_mptcp},
      {"fastopen", "TCP Fast Open", false, fast_open_v4},
      {"fastopen-v6", "the same over IPv6", false, fast_open_v6},
      {"fastopen-dual", "the same over IPv4 to a dual-stack listener", false, fast_open_dual},
      {"cookies", "SYN cookies", false, cookies_v4},
      {"cookies-v6", "the same over IPv6", false, cookies_v6},
      {"cookies-dual", "the same over IPv4 to a dual-stack listener", false, cookies_dual},
  };
}

}  // namespace tcpaccept::vm
