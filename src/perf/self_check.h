// Does what a probe delivers match accepts that we made ourselves? Pure: values in, verdicts out.
//
// Kernels change under a probe (signatures, offsets, inlining), and a wrong probe often succeeds in every call and
// then shows nothing, or something wrong. So the tracer accepts connections of its own before it relies on a plan.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/accept.h"

namespace tcpaccept::perf {

// One connection of our own: what kind it is, and either what its sample must say or why it could not be made.
struct OwnAccept {
  std::string kind;         // "IPv4", "IPv6", "IPv4 on a dual-stack listener", "MPTCP"
  bool made = false;
  std::string why_not;      // when it was not made
  Accept expected;          // when it was; time 0, and metrics not compared
};

struct SelfCheck {
  // Nothing contradicts the plan. Also true when no connection could be made at all: then nothing is known.
  bool passed = true;
  bool proved = false;             // at least one connection was made, and seen as expected
  std::vector<std::string> lines;  // one for each kind: "IPv4: as expected", "MPTCP: not made: ...", "IPv6: ..."
};

// `seen` are all accepts decoded meanwhile, those of other processes included; `exact_protocol` is false for plans
// that see the TCP subflow of an MPTCP connection.
SelfCheck check_own_accepts(std::span<const OwnAccept> own, std::span<const Accept> seen, bool exact_protocol);

}  // namespace tcpaccept::perf
