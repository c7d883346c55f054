// What the files of scenarios share: the usual server and client, and the list of each file for the table in scenarios.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net.h"
#include "scenarios.h"

namespace tcpaccept::vm {

std::vector<Scenario> basic_scenarios();      // scenarios.cc: the usual ones
std::vector<Scenario> crowd_scenarios();      // crowd.cc: servers that wait by the thousand, connections by the ten thousand
std::vector<Scenario> family_scenarios();     // families.cc: kinds of addresses and listeners
std::vector<Scenario> protocol_scenarios();   // protocols.cc: MPTCP, Fast Open, SYN cookies
std::vector<Scenario> uring_scenarios();      // uring.cc: accepts through io_uring
std::vector<Scenario> kernel_scenarios();     // kernel_server.cc: accepts made by the kernel
std::vector<Scenario> hidden_scenarios();     // hidden.cc: what must never show
std::vector<Scenario> namespace_scenarios();  // namespaces.cc: servers in other namespaces and cgroups
std::vector<Scenario> queue_scenarios();      // queue.cc: known waits in the accept queue

// Says on standard error that the kernel lacks something, so that a part was left out.
void note(const Context& c, const std::string& text);

// Where a client connects to reach `listener`: its port, at an address a client can name.
Endpoint reach(int listener, const std::string& address);

// Connects and stays until the server has closed.
void visit(const Context& c, const Endpoint& server, const ConnectOptions& options);

// Accepts `count` connections one after the other, closing each.
void serve(const Context& c, int listener, int count);

// One process blocked in accept() on `bind` before the gate, then three clients one after the other.
struct Simple {
  std::string bind;
  std::string server;  // where clients connect to
  ListenOptions listener{};
  ConnectOptions client{};
};
void simple(const Context& c, const Simple& options);

// The kernel's setting NAME (a path below /proc/sys) has another value for the life of this object.
class Setting {
 public:
  Setting(const std::string& name, const std::string& value);
  ~Setting();
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  std::string path_;
  std::string before_;
};

void write_file(const std::string& path, const std::string& text);

bool kernel_has_mptcp();
// How often the server side took a connection through a SYN cookie, since boot, in this network namespace.
long syn_cookies_taken();
// Did the data of this client travel with the SYN?
bool used_fast_open(int client);

}  // namespace tcpaccept::vm
