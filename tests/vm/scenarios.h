// The situations the tracer is tested in. Each scenario makes real connections and writes the truth about them; a new situation is one
// function and one line in the table of scenarios.cc.
//
// Processes wait for each other through eventfds and by looking at what a thread does, never by sleeping (but for the scenario whose
// subject is waiting).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "truth.h"

namespace tcpaccept::vm {

struct Context {
  const TruthLog& log;
  std::string name{};         // of the running scenario; goes into its rows
  int count = 200;          // connections, for scenarios that make many
  bool gated = false;       // stop at gate()
  std::string v4_server{};    // addresses with two different ends where the machine has them
  std::string v4_client{};
  std::string v6_server{};
  std::string v6_client{};

  // Called by a scenario when its servers wait and no client has connected. When gated, prints "ready SCENARIO PID" (the server's pid)
  // and waits for a line on standard input: a tracer can be started, or aimed at that process, in between.
  void gate(pid_t server) const;
};

struct Scenario {
  const char* name;
  const char* what;
  bool in_all;  // part of `run all`
  void (*run)(const Context& context);
};

const std::vector<Scenario>& scenarios();

// Fills in the addresses: the VM's own where they exist, else loopback ones.
void choose_addresses(Context& context);

}  // namespace tcpaccept::vm
