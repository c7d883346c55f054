// Connections to ourselves over loopback, for the self-test: one of each kind, accepted in the calling thread.
#pragma once

#include <vector>

#include "perf/self_check.h"

namespace tcpaccept::kernel {

// Makes and closes them; takes a few milliseconds, and little more than a second where loopback does not answer. A kind
// this machine does not offer (no IPv6, loopback down, no MPTCP) is not made and says why. Throws Error where
// descriptors or memory are short: that says nothing of the machine. A stranger who connects to our port meanwhile is
// not answered.
std::vector<perf::OwnAccept> make_own_accepts();

}  // namespace tcpaccept::kernel
