#include "kernel/probe_plan.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/accept.h"
#include "core/error.h"

namespace tcpaccept::kernel {
namespace {

struct PlanKind {
  const char* name;
  const char* symbol;
  bool is_return;
  const char* socket;   // expression of the accepted struct sock *
  const char* newsock;  // expression of its struct socket *, "" where there is none
  const char* listener;  // expression of the listening struct socket *, "" where it cannot be reached
  int argument;          // which argument `socket` is, 0 for the returned value
};

constexpr std::array<PlanKind, 3> kKinds{{
    {"graft", "security_sock_graft", false, "$arg1", "$arg2", "", 1},
    {"inet_accept", "__inet_accept", false, "$arg3", "$arg2", "$arg1", 3},
    {"csk_accept", "inet_csk_accept", true, "$retval", "", "", 0},
}};

// The most instances the kernel grants one return probe (KRETPROBE_MAXACTIVE_MAX).
constexpr int kMaxActive = 4096;

const char* unsigned_type(std::uint32_t size) {
  switch (size) {
    case 1:
      return "u8";
    case 2:
      return "u16";
    case 4:
      return "u32";
    default:
      return "u64";
  }
}

std::string deref(std::uint32_t offset, const std::string& base) {
  return "+" + std::to_string(offset) + "(" + base + ")";
}

class Arguments {
 public:
  void add(const char* name, const std::string& expression, const char* type) {
    if (!text_.empty()) text_ += ' ';
    text_ += name;
    text_ += '=';
    text_ += expression;
    if (*type != '\0') {
      text_ += ':';
      text_ += type;
    }
  }
  void add(const char* name, const std::optional<Member>& member, const std::string& base) {
    if (member) add(name, deref(member->offset, base), unsigned_type(member->size));
  }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

// `tcp` is the expression of the struct tcp_sock, "" when it cannot be reached from the accepted socket.
std::string arguments(const PlanKind& kind, const SocketLayout& layout, const std::string& tcp) {
  const std::string sock = kind.socket;
  Arguments to;
  to.add("pf", deref(layout.skc_ports, sock), "x64");
  if (layout.skc_v6_daddr && layout.skc_v6_rcv_saddr) {
    to.add("d0", deref(*layout.skc_v6_daddr, sock), "x64");
    to.add("d1", deref(*layout.skc_v6_daddr + 8, sock), "x64");
    to.add("s0", deref(*layout.skc_v6_rcv_saddr, sock), "x64");
    to.add("s1", deref(*layout.skc_v6_rcv_saddr + 8, sock), "x64");
  }
  if (layout.skc_v4_pair) to.add("v4", deref(*layout.skc_v4_pair, sock), "x64");
  to.add("sport", layout.inet_sport, sock);
  if (layout.sk_protocol) {
    to.add("proto", layout.sk_protocol, sock);
  } else {
    to.add("family", deref(layout.skc_ports + 4, sock), "u16");
  }
  // A failed fetch leaves stale bytes in every other field, so the filter needs the pointer itself.
  if (kind.is_return) to.add("sk", sock, "x64");
  if (layout.net_ns_inum && layout.skc_net) {
    to.add("netns", deref(*layout.net_ns_inum, deref(*layout.skc_net, sock)), "u32");
  }
  if (!tcp.empty()) {
    to.add("est", layout.rcvq_space_time, tcp);
    to.add("srtt", layout.srtt_us, tcp);
    to.add("ahead", layout.sk_ack_backlog, tcp);
    to.add("limit", layout.sk_max_ack_backlog, tcp);
  }
  if (*kind.listener != '\0' && layout.socket_sk && layout.sk_ack_backlog && layout.sk_protocol) {
    // The listening socket of MPTCP keeps no count, hence its protocol.
    const std::string listener = deref(*layout.socket_sk, kind.listener);
    to.add("left", layout.sk_ack_backlog, listener);
    to.add("lproto", layout.sk_protocol, listener);
  }
  if (*kind.newsock != '\0' && layout.socket_file) {
    to.add("kfile", deref(*layout.socket_file, kind.newsock), "x64");
  }
  to.add("comm", "$comm", "");
  return to.text();
}

ProbePlan make_plan(const PlanKind& kind, const SocketLayout& layout, std::uint64_t address) {
  ProbePlan plan{.name = kind.name,
                 .symbol = kind.symbol,
                 .address = address,
                 .is_return = kind.is_return,
                 .events = {},
                 .notes = {}};
  const std::string guard = kind.is_return ? "sk!=0 && " : "";
  if (!layout.sk_protocol) {
    const char* families = "family==2 || family==10";
    plan.events.push_back({.suffix = "tcp",
                           .arguments = arguments(kind, layout, kind.socket),
                           .filter = kind.is_return ? guard + "(" + families + ")" : families});
    plan.notes.push_back("the place of sk_protocol is not known: SCTP and other stream sockets over IP show too");
  } else {
    // The accepted socket of MPTCP is no tcp_sock: times and queue lengths are those of its first subflow, and come with
    // an event of their own. A return from inet_csk_accept delivers that subflow itself, as TCP.
    const bool mptcp = layout.has_mptcp && !kind.is_return;
    plan.events.push_back({.suffix = "tcp",
                           .arguments = arguments(kind, layout, kind.socket),
                           .filter = mptcp ? "proto==6 || proto==262" : guard + "proto==6"});
    if (mptcp) {
      plan.events.push_back(
          {.suffix = "mptcp",
           .arguments = arguments(kind, layout, layout.mptcp_first ? deref(*layout.mptcp_first, kind.socket) : ""),
           .filter = "proto==262",
           // On other sockets the pointer to the first subflow is something else. The kernel runs no BPF program
           // while it is at work on a map of one on the same CPU, and then this event is left out: that is why the
           // other one has these accepts, too.
           .gate = Gate{.argument = kind.argument, .offset = layout.sk_protocol->offset, .value = kProtocolMptcp}});
    }
  }
  if (kind.is_return) {
    plan.notes.push_back("return probe: the next accept of every thread that already waits in accept() is not seen");
  }
  return plan;
}

}  // namespace

std::vector<KernelSymbol> find_probe_symbols(std::istream& kallsyms) {
  std::vector<KernelSymbol> found;
  std::string line;
  while (found.size() < kKinds.size() && std::getline(kallsyms, line)) {
    // "ffffffff81a01230 T name", and "\t[module]" behind it for modules, which follow the kernel's own symbols.
    if (line.find('[') != std::string::npos) break;
    const std::size_t type = line.find(' ');
    if (type == std::string::npos || line.size() < type + 4 || line[type + 2] != ' ') continue;
    if (line[type + 1] != 't' && line[type + 1] != 'T') continue;
    const std::string_view name = std::string_view{line}.substr(type + 3);
    const auto wanted = [&](const PlanKind& kind) { return name == kind.symbol; };
    if (std::none_of(kKinds.begin(), kKinds.end(), wanted)) continue;
    const auto known = [&](const KernelSymbol& symbol) { return symbol.name == name; };
    if (std::any_of(found.begin(), found.end(), known)) continue;
    std::uint64_t address = 0;
    std::from_chars(line.data(), line.data() + type, address, 16);
    found.push_back({.name = std::string{name}, .address = address});
  }
  return found;
}

std::vector<KernelSymbol> all_probe_symbols() {
  std::vector<KernelSymbol> all;
  for (const PlanKind& kind : kKinds) all.push_back({.name = kind.symbol, .address = 0});
  return all;
}

std::string ProbePlan::definition(const EventPlan& event, std::string_view group, std::string_view event_name) const {
  std::string text = is_return ? "r" + std::to_string(kMaxActive) + ":" : "p:";
  text += group;
  text += '/';
  text += event_name;
  text += ' ';
  text += symbol;
  text += ' ';
  text += event.arguments;
  return text;
}

const std::vector<std::string>& plan_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const PlanKind& kind : kKinds) all.emplace_back(kind.name);
    return all;
  }();
  return names;
}

PlanChoice make_plans(const SocketLayout& layout, const std::vector<KernelSymbol>& symbols, std::string_view forced) {
  const auto is_forced = [&](const PlanKind& kind) { return forced == kind.name; };
  if (!forced.empty() && std::none_of(kKinds.begin(), kKinds.end(), is_forced)) {
    throw Error{"there is no probe plan \"" + std::string{forced} + "\"; use graft, inet_accept or csk_accept"};
  }
  PlanChoice choice;
  for (const PlanKind& kind : kKinds) {
    if (!forced.empty() && !is_forced(kind)) continue;
    const auto found = std::find_if(symbols.begin(), symbols.end(),
                                    [&](const KernelSymbol& symbol) { return symbol.name == kind.symbol; });
    if (found == symbols.end()) {
      choice.passed.push_back({.name = kind.name, .why = "this kernel has no " + std::string{kind.symbol}});
      continue;
    }
    choice.plans.push_back(make_plan(kind, layout, found->address));
  }
  return choice;
}

}  // namespace tcpaccept::kernel
