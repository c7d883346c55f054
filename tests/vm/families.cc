// Kinds of addresses and of listeners. The addresses of the two ends differ where the machine allows it.
#include <net/if.h>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

void loopback_v4(const Context& c) { simple(c, {.bind = "127.0.0.1", .server = "127.0.0.1", .client = {.from = "127.0.0.9"}}); }
void loopback_v6(const Context& c) { simple(c, {.bind = "::1", .server = "::1"}); }
void any_v4(const Context& c) { simple(c, {.bind = "0.0.0.0", .server = c.v4_server, .client = {.from = c.v4_client}}); }
void any_v6(const Context& c) { simple(c, {.bind = "::", .server = c.v6_server, .client = {.from = c.v6_client}}); }

void any_v4_loopback(const Context& c) { simple(c, {.bind = "0.0.0.0", .server = "127.0.0.1"}); }
void dual_loopback_v4(const Context& c) {
  simple(c, {.bind = "::", .server = "127.0.0.1", .listener = {.dual_stack = true}, .client = {.from = "127.0.0.9"}});
}
void dual_loopback_v6(const Context& c) { simple(c, {.bind = "::", .server = "::1", .listener = {.dual_stack = true}}); }

// An IPv6 socket bound to an IPv4 address.
void mapped_listener(const Context& c) {
  simple(c, {.bind = "::ffff:" + c.v4_server,
             .server = c.v4_server,
             .listener = {.dual_stack = true},
             .client = {.from = c.v4_client}});
}

// The VM has two link-local addresses on this interface.
constexpr const char* kInterface = "dummy0";

void link_local(const Context& c) {
  const std::string suffix = std::string("%") + kInterface;
  if (::if_nametoindex(kInterface) == 0) return note(c, std::string("no interface ") + kInterface);
  simple(c, {.bind = "fe80::60" + suffix, .server = "fe80::60" + suffix, .client = {.from = "fe80::61" + suffix}});
}

void link_local_any(const Context& c) {
  const std::string suffix = std::string("%") + kInterface;
  if (::if_nametoindex(kInterface) == 0) return note(c, std::string("no interface ") + kInterface);
  simple(c, {.bind = "::",
             .server = "fe80::60" + suffix,
             .listener = {.dual_stack = true},
             .client = {.from = "fe80::61" + suffix}});
}

}  // namespace

std::vector<Scenario> family_scenarios() {
  return {
      {"loopback", "127.0.0.1", true, loopback_v4},
      {"loopback-v6", "::1", true, loopback_v6},
      {"any", "IPv4, wildcard listener", true, any_v4},
      {"any-v6", "IPv6, wildcard listener without IPv4", true, any_v6},
      {"any-loopback", "127.0.0.1, wildcard listener", true, any_v4_loopback},
      {"dual-loopback", "127.0.0.1, dual-stack listener", true, dual_loopback_v4},
      {"dual-loopback6", "::1, dual-stack listener", true, dual_loopback_v6},
      {"mapped", "IPv6 listener on an IPv4 address", true, mapped_listener},
      {"link-local", "link-local IPv6", true, link_local},
      {"link-local-any", "link-local IPv6, dual-stack listener", true, link_local_any},
  };
}

}  // namespace tcpaccept::vm
