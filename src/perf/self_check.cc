#include "perf/self_check.h"

#include <algorithm>

namespace tcpaccept::perf {
namespace {

// What tells our connection from all others: nobody else has its two ends at the same time.
bool same_connection(const Accept& one, const Accept& other) {
  return one.rport == other.rport && one.listener.pid == other.listener.pid && one.listener.sport == other.listener.sport;
}

std::string difference(const Accept& expected, const Accept& seen, bool exact_protocol) {
  std::string text;
  const auto compare = [&](const char* what, const std::string& want, const std::string& got) {
    if (want == got) return;
    if (!text.empty()) text += ", ";
    text += std::string{what} + " " + got + " instead of " + want;
  };
  const Listener& want = expected.listener;
  const Listener& got = seen.listener;
  compare("remote address", to_string(expected.raddr), to_string(seen.raddr));
  compare("local address", to_string(want.saddr), to_string(got.saddr));
  compare("command", std::string{want.comm.view()}, std::string{got.comm.view()});
  compare("thread", std::to_string(expected.tid), std::to_string(seen.tid));
  compare("family", std::to_string(want.family), std::to_string(got.family));
  if (exact_protocol && got.protocol != 0) {
    compare("protocol", std::to_string(want.protocol), std::to_string(got.protocol));
  }
  return text;
}

}  // namespace

SelfCheck check_own_accepts(std::span<const OwnAccept> own, std::span<const Accept> seen, bool exact_protocol) {
  SelfCheck check;
  for (const OwnAccept& accept : own) {
    if (!accept.made) {
      check.lines.push_back(accept.kind + ": not made: " + accept.why_not);
      continue;
    }
    const auto matches = [&](const Accept& candidate) { return same_connection(accept.expected, candidate); };
    const auto found = std::find_if(seen.begin(), seen.end(), matches);
    std::string wrong;
    if (found == seen.end()) {
      wrong = "the probe did not show it";
    } else if (std::find_if(found + 1, seen.end(), matches) != seen.end()) {
      wrong = "the probe showed it more than once";
    } else {
      wrong = difference(accept.expected, *found, exact_protocol);
    }
    check.lines.push_back(accept.kind + ": " + (wrong.empty() ? "as expected" : wrong));
    if (wrong.empty()) {
      check.proved = true;
    } else {
      check.passed = false;
    }
  }
  return check;
}

}  // namespace tcpaccept::perf
