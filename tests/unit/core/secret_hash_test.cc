#include "core/secret_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <vector>

namespace tcpaccept {
namespace {

// Tables of what strangers send stay quick only if no field is left out.
TEST(SecretHash, ListenersThatDifferInOneFieldHaveDifferentHashes) {
  const auto write = [](void* to, std::size_t at, std::uint32_t i) { std::memcpy(static_cast<char*>(to) + at, &i, 4); };
  const std::vector<std::function<void(Listener&, std::uint32_t)>> fields = {
      [](Listener& one, std::uint32_t i) { one.pid = i; },
      [&](Listener& one, std::uint32_t i) { write(one.comm.bytes.data(), 1, i); },
      [&](Listener& one, std::uint32_t i) { write(one.comm.bytes.data(), 11, i); },
      [&](Listener& one, std::uint32_t i) { write(one.saddr.bytes.data(), 0, i); },
      [&](Listener& one, std::uint32_t i) { write(one.saddr.bytes.data(), 12, i); },
      [](Listener& one, std::uint32_t i) { one.sport = static_cast<std::uint16_t>(i); },
      [](Listener& one, std::uint32_t i) { one.family = static_cast<std::uint8_t>(i); },
      [](Listener& one, std::uint32_t i) { one.in_kernel = i % 2 != 0; },
      [](Listener& one, std::uint32_t i) { one.protocol = static_cast<std::uint16_t>(i); },
      [](Listener& one, std::uint32_t i) { one.netns = i; },
      [](Listener& one, std::uint32_t i) { one.cgroup = i; },
      [](Listener& one, std::uint32_t i) { one.cgroup = std::uint64_t{i} << 40; },
      [](Listener& one, std::uint32_t i) { one.backlog = i; },
      [](Listener& one, std::uint32_t i) { one.nspid = i; }};
  for (std::size_t field = 0; field < fields.size(); ++field) {
    std::set<std::size_t> hashes;
    std::vector<Listener> listeners;
    for (std::uint32_t i = 0; i < 250; ++i) {
      Listener listener{.pid = 1463, .sport = 22, .cgroup = 4711};
      fields[field](listener, i);
      hashes.insert(SecretHash{}(listener));
      if (std::find(listeners.begin(), listeners.end(), listener) == listeners.end()) listeners.push_back(listener);
    }
    EXPECT_EQ(hashes.size(), listeners.size()) << "field " << field;
  }
}

TEST(SecretHash, LowBitsOfAddressesAreSpread) {
  std::vector<int> buckets(1024);
  for (std::uint32_t i = 0; i < 65'536; ++i) {
    IpAddress address{};
    std::memcpy(address.bytes.data() + 2, &i, 4);
    ++buckets[SecretHash{}(address) % buckets.size()];
  }
  for (const int count : buckets) EXPECT_LT(count, 160);  // 64 on average, 8 the standard deviation
}

}  // namespace
}  // namespace tcpaccept
