// That a gate lets the right calls through is proved on real kernels in the test VM (checks of MPTCP).
#include "kernel/gate.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace tcpaccept::kernel {
namespace {

TEST(Gate, TheKernelsVerifierTakesIt) {
  const UniqueFd gate = load_gate({.argument = 1, .offset = 574, .value = 262});
  if (!gate.valid() && (errno == EPERM || errno == ENOSYS || errno == EINVAL || errno == ENOTSUP)) {
    GTEST_SKIP() << "no BPF programs for kprobes here: errno " << errno;
  }
  EXPECT_TRUE(gate.valid()) << errno;
}

TEST(Gate, AnArgumentThatIsInNoRegisterIsRefused) {
  for (const int argument : {-1, 0, 4}) {
    EXPECT_FALSE(load_gate({.argument = argument, .offset = 0, .value = 0}).valid());
    EXPECT_EQ(errno, ENOTSUP);
  }
}

}  // namespace
}  // namespace tcpaccept::kernel
