#include "anonymize/address_map.h"

#include <algorithm>

#include "capture/words.h"

namespace tcpaccept::anonymize {
namespace {

Bits bits_of(const IpAddress& address, bool v4) {
  const std::uint64_t low = capture::low_half(address);
  return v4 ? Bits{.high = low << 32} : Bits{.high = capture::high_half(address), .low = low};
}

IpAddress address_of(const Bits& bits, bool v4) {
  constexpr std::uint64_t kMapped = 0xffff'0000'0000;
  return v4 ? capture::make_address(0, kMapped | bits.high >> 32) : capture::make_address(bits.high, bits.low);
}

bool begins_alike(const Bits& a, const Bits& b, unsigned length) {
  const auto mask = [](unsigned bits) { return bits == 0 ? 0 : ~std::uint64_t{0} << (64 - std::min(bits, 64u)); };
  return ((a.high ^ b.high) & mask(length)) == 0 && ((a.low ^ b.low) & mask(length > 64 ? length - 64 : 0)) == 0;
}

}  // namespace

AddressMap::AddressMap(const Key& key, bool keep_private) : crypto_pan_(key) {
  add("0.0.0.0/8", 32);
  add("127.0.0.0/8", 32);
  add("169.254.0.0/16", 16);
  add("224.0.0.0/4", 4);
  add("::/128", 128);
  add("::1/128", 128);
  add("fe80::/64", 64);
  add("fe80::/10", 10);
  add("ff00::/8", 16);
  if (keep_private) {
    for (const char* const prefix : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}) add(prefix, 32);
    add("fc00::/7", 128);
  }
  // IPv4 in IPv6 is not met as such; no other address may become one.
  classes_v6_.push_back({.block = {.high = 0, .low = 0xffff'0000'0000}, .length = 96, .kept = 128});
  classes_v4_.push_back({});
  classes_v6_.push_back({});
  members_[0].resize(classes_v6_.size());
  members_[1].resize(classes_v4_.size());
}

void AddressMap::add(const char* prefix, unsigned kept) {
  const IpPrefix parsed = parse_prefix(prefix).value();
  const bool v4 = parsed.address.is_v4();
  (v4 ? classes_v4_ : classes_v6_)
      .push_back({.block = bits_of(parsed.address, v4), .length = parsed.length - (v4 ? 96 : 0), .kept = kept});
}

std::size_t AddressMap::class_of(const Bits& value, bool v4) const {
  const std::vector<Class>& all = classes(v4);
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Class& one) { return begins_alike(value, one.block, one.length); });
  return static_cast<std::size_t>(found - all.begin());
}

bool AddressMap::hides(const IpAddress& address) const {
  const bool v4 = address.is_v4();
  return classes(v4)[class_of(bits_of(address, v4), v4)].kept < (v4 ? kWidthV4 : kWidthV6);
}

void AddressMap::walk(std::span<IpAddress> addresses, bool forth) {
  before_.assign(addresses.begin(), addresses.end());
  for (auto& family : members_) {
    for (auto& members : family) members.clear();
  }
  for (std::uint32_t i = 0; i < addresses.size(); ++i) {
    const bool v4 = addresses[i].is_v4();
    members_[v4 ? 1 : 0][class_of(bits_of(addresses[i], v4), v4)].push_back(i);
  }
  for (const bool v4 : {false, true}) {
    for (std::size_t number = 0; number < classes(v4).size(); ++number) walk_class(addresses, v4, number, forth);
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i] == before_[i] && hides(addresses[i])) addresses[i].bytes.back() ^= 1;
  }
}

void AddressMap::walk_class(std::span<IpAddress> addresses, bool v4, std::size_t number, bool forth) {
  const unsigned kept = classes(v4)[number].kept;
  const unsigned width = v4 ? kWidthV4 : kWidthV6;
  std::vector<std::uint32_t>& members = members_[v4 ? 1 : 0][number];
  if (kept == width) return;
  while (!members.empty()) {
    values_.clear();
    for (const std::uint32_t i : members) values_.push_back(bits_of(addresses[i], v4));
    if (forth) {
      crypto_pan_.permute(values_, kept, width);
    } else {
      crypto_pan_.restore(values_, kept, width);
    }
    std::size_t astray = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      addresses[members[i]] = address_of(values_[i], v4);
      if (class_of(values_[i], v4) != number) members[astray++] = members[i];
    }
    members.resize(astray);
  }
}

}  // namespace tcpaccept::anonymize
