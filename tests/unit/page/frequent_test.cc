#include "page/frequent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/samples.h"

namespace tcpaccept::page {
namespace {

using samples::address;

IpAddress numbered(std::uint32_t number) { return IpAddress::from_v4(number); }

TEST(FrequentAddresses, CountsExactlyWhileAllFit) {
  FrequentAddresses frequent{1000};
  for (std::uint32_t i = 0; i < 1000; ++i) frequent.add(numbered(i), i + 1);
  for (std::uint32_t i = 0; i < 1000; ++i) frequent.add(numbered(i), 1);
  EXPECT_EQ(frequent.error(), 0u);
  EXPECT_EQ(frequent.size(), 1000u);
  const auto top = frequent.top(2);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0], (FrequentAddresses::Entry{numbered(999), 1001}));
  EXPECT_EQ(top[1], (FrequentAddresses::Entry{numbered(998), 1000}));
  EXPECT_EQ(frequent.top(5000).size(), 1000u);
}

TEST(FrequentAddresses, OrdersEqualCountsByAddress) {
  FrequentAddresses frequent;
  frequent.add(address("10.0.0.2"), 5);
  frequent.add(address("2001:db8::1"), 5);
  frequent.add(address("10.0.0.1"), 5);
  EXPECT_THAT(frequent.top(3), testing::ElementsAre(FrequentAddresses::Entry{address("10.0.0.1"), 5},
                                                    FrequentAddresses::Entry{address("10.0.0.2"), 5},
                                                    FrequentAddresses::Entry{address("2001:db8::1"), 5}));
}

// What it says of itself holds: no count is too high, none lower than by error(), and nobody above error() is absent.
TEST(FrequentAddresses, KeepsItsBoundsWhenThereAreTooMany) {
  std::mt19937_64 random{3};
  FrequentAddresses frequent{256};
  std::map<IpAddress, std::uint64_t> truth;
  std::uint64_t all = 0;
  for (int i = 0; i < 200'000; ++i) {
    // A few are frequent, most are seen once or twice.
    const auto number = static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 20 : 100'000));
    const std::uint64_t count = 1 + random() % 3;
    frequent.add(numbered(number), count);
    truth[numbered(number)] += count;
    all += count;
  }
  EXPECT_GT(frequent.error(), 0u);
  EXPECT_LT(frequent.error(), all / 128);
  EXPECT_LE(frequent.size(), 256u);
  const auto top = frequent.top(1000);
  std::map<IpAddress, std::uint64_t> found;
  for (const auto& entry : top) {
    EXPECT_LE(entry.count, truth[entry.address]);
    EXPECT_GE(entry.count + frequent.error(), truth[entry.address]);
    found[entry.address] = entry.count;
  }
  for (const auto& [one, count] : truth) {
    EXPECT_TRUE(count <= frequent.error() || found.contains(one)) << to_string(one);
  }
  for (std::size_t i = 0; i < 20; ++i) EXPECT_TRUE(found.contains(numbered(static_cast<std::uint32_t>(i))));
}

}  // namespace
}  // namespace tcpaccept::page
