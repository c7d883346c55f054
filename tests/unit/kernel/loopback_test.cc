#include "kernel/loopback.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace tcpaccept::kernel {
namespace {

TEST(OwnAccepts, AreMadeWhereTheMachineOffersThem) {
  const auto own = make_own_accepts();
  ASSERT_EQ(own.size(), 4u);
  // Loopback over IPv4 is everywhere; the others say why when they are not.
  ASSERT_TRUE(own[0].made) << own[0].why_not;
  for (const auto& accept : own) {
    if (!accept.made) {
      EXPECT_FALSE(accept.why_not.empty()) << accept.kind;
      continue;
    }
    EXPECT_EQ(accept.expected.listener.pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_NE(accept.expected.rport, 0);
    EXPECT_NE(accept.expected.listener.sport, 0);
  }
  EXPECT_EQ(to_string(own[0].expected.raddr), "127.0.0.1");
  EXPECT_EQ(to_string(own[0].expected.listener.saddr), "127.0.0.1");
  EXPECT_EQ(own[0].expected.listener.family, 2);
  EXPECT_EQ(own[0].expected.listener.protocol, kProtocolTcp);
  if (own[1].made) {
    EXPECT_EQ(to_string(own[1].expected.raddr), "::1");
  }
  if (own[2].made) {
    EXPECT_EQ(to_string(own[2].expected.raddr), "127.0.0.1");
    EXPECT_EQ(own[2].expected.listener.family, 10);
  }
}

}  // namespace
}  // namespace tcpaccept::kernel
