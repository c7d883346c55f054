// Which kernel function to probe and what to fetch there, as text for tracefs. Pure.
//
// Entry probes come first: a return probe holds one instance per thread blocked inside accept(), never sees a
// thread that was parked before it was armed, and drops accepts in silence when the instances are used up.
//   graft        security_sock_graft(sk, parent), entry; the accepted socket is $arg1
//   inet_accept  __inet_accept(sock, newsock, newsk), entry; $arg3
//   csk_accept   inet_csk_accept() return with the largest pool of instances; $retval. The last resort.
// Plans are chosen by symbol, never by kernel version.
//
// The definitions use scalar arguments and `+offset(base):type` only: arrays are decoded wrongly by some versions
// of libtraceevent, and a filter on an array field panics Linux 5.10.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/gate.h"
#include "kernel/struct_layout.h"

namespace tcpaccept::kernel {

// Function symbols of the running kernel that plans ask for.
struct KernelSymbol {
  std::string name;
  std::uint64_t address = 0;  // 0 = hidden (kernel.kptr_restrict)
  bool operator==(const KernelSymbol&) const = default;
};

// Streams the text of /proc/kallsyms and returns which of the probed functions it has, as text symbols of the
// kernel proper (modules come last and are not read).
std::vector<KernelSymbol> find_probe_symbols(std::istream& kallsyms);
// All of them, without addresses: for a kernel that does not show its symbols.
std::vector<KernelSymbol> all_probe_symbols();

// One trace event of a plan.
struct EventPlan {
  std::string suffix;     // distinguishes the events of one plan: "tcp", "mptcp"
  std::string arguments;  // "pf=+12($arg1):x64 ..."
  std::string filter;     // for PERF_EVENT_IOC_SET_FILTER, "" for none
  std::optional<Gate> gate{};  // what the filter asks for, checked before anything is fetched
  bool operator==(const EventPlan&) const = default;
};

struct ProbePlan {
  std::string name;
  std::string symbol;
  std::uint64_t address = 0;  // of the symbol, 0 = not known
  bool is_return = false;
  std::vector<EventPlan> events;
  std::vector<std::string> notes;  // what this plan cannot see or record

  bool operator==(const ProbePlan&) const = default;

  // The line for kprobe_events.
  std::string definition(const EventPlan& event, std::string_view group, std::string_view event_name) const;
};

// What plans exist, in the order of preference.
const std::vector<std::string>& plan_names();

struct PassedPlan {
  std::string name;
  std::string why;
  bool operator==(const PassedPlan&) const = default;
};

struct PlanChoice {
  std::vector<ProbePlan> plans;    // that this kernel has the symbol for, best first
  std::vector<PassedPlan> passed;  // the others
};

// `forced` = "" for all plans, else the name of one. Throws Error when there is no plan of that name.
PlanChoice make_plans(const SocketLayout& layout, const std::vector<KernelSymbol>& symbols, std::string_view forced);

}  // namespace tcpaccept::kernel
