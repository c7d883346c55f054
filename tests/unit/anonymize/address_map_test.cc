#include "anonymize/address_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace tcpaccept::anonymize {
namespace {

constexpr Key kKey{21,  34,  23,  141, 51,  164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
                   216, 152, 143, 131, 121, 121, 101, 39,  98, 87, 76, 45, 42, 132, 34,  2};

IpAddress address(const std::string& text) { return parse_address(text).value(); }

std::string mapped(const std::string& text, bool keep_private = false) {
  AddressMap map(kKey, keep_private);
  std::vector<IpAddress> one{address(text)};
  map.map(one);
  return to_string(one[0]);
}

bool within(const std::string& text, const std::string& prefix) { return parse_prefix(prefix)->contains(address(text)); }

unsigned shared_bits(const IpAddress& a, const IpAddress& b) {
  unsigned bits = 0;
  while (bits < 128 && ((a.bytes[bits / 8] ^ b.bytes[bits / 8]) & (0x80 >> bits % 8)) == 0) ++bits;
  return bits;
}

TEST(AddressMap, OrdinaryAddressesAreThoseOfCryptoPan) {
  EXPECT_EQ(mapped("128.11.68.132"), "135.242.180.132");
  EXPECT_EQ(mapped("24.0.250.221"), "100.15.198.226");
  EXPECT_EQ(mapped("::ffff:128.11.68.132"), "135.242.180.132");
}

TEST(AddressMap, NoAddressIsItsOwnPseudonym) {
  CryptoPan crypto_pan(kKey);
  AddressMap map(kKey, false);
  std::mt19937_64 random(3);
  std::size_t left_alone = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<IpAddress> originals;
    std::vector<Bits> raw;
    for (int i = 0; i < 5000; ++i) {
      const auto number = static_cast<std::uint32_t>(random());
      raw.push_back({.high = std::uint64_t{number} << 32});
      originals.push_back(IpAddress::from_v4(__builtin_bswap32(number)));
    }
    const std::vector<Bits> numbers = raw;
    crypto_pan.permute(raw, 0, 32);
    std::vector<IpAddress> pseudonyms = originals;
    map.map(pseudonyms);
    for (std::size_t i = 0; i < originals.size(); ++i) {
      if (!map.hides(originals[i])) continue;
      ASSERT_NE(pseudonyms[i], originals[i]);
      if (raw[i] != numbers[i]) continue;
      ++left_alone;
      EXPECT_EQ(shared_bits(pseudonyms[i], originals[i]), 127u);
      // Its neighbour takes its place.
      std::vector<IpAddress> neighbour{pseudonyms[i]};
      map.map(neighbour);
      EXPECT_EQ(neighbour[0], originals[i]);
    }
    map.restore(pseudonyms);
    EXPECT_EQ(pseudonyms, originals);
  }
  EXPECT_GT(left_alone, 0u);  // there was something to see
}

TEST(AddressMap, WhatMeansTheHostItselfOrNobodyStays) {
  for (const char* const text : {"0.0.0.0", "127.0.0.1", "127.0.0.53", "::", "::1"}) {
    EXPECT_EQ(mapped(text), text);
    EXPECT_FALSE(AddressMap(kKey, false).hides(address(text))) << text;
  }
}

TEST(AddressMap, OtherClassesKeepTheirClassOnly) {
  for (const auto& [text, prefix] : {std::pair{"169.254.12.13", "169.254.0.0/16"},
                                     {"224.0.0.251", "224.0.0.0/4"},
                                     {"239.255.1.2", "224.0.0.0/4"},
                                     {"fe80::216:3eff:fe12:3456", "fe80::/64"},
                                     {"fe80:7::1", "fe80::/10"},
                                     {"ff02::fb", "ff02::/16"}}) {
    EXPECT_TRUE(within(mapped(text), prefix)) << text << " is " << mapped(text);
    EXPECT_NE(mapped(text), text);
    EXPECT_TRUE(AddressMap(kKey, false).hides(address(text))) << text;
  }
}

TEST(AddressMap, PrivateNetworksStayIfAskedFor) {
  for (const char* const text : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.60.1", "100.64.9.9", "fd00:60::1"}) {
    EXPECT_NE(mapped(text), text);
    EXPECT_EQ(mapped(text, true), text);
    EXPECT_FALSE(AddressMap(kKey, true).hides(address(text)));
  }
  EXPECT_NE(mapped("172.32.0.1", true), "172.32.0.1");
}

// By its first bits: 0 for those that are in no class.
std::size_t class_of(const IpAddress& one, bool keep_private) {
  static const std::vector<std::string> always{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::/128",
                                                "::1/128",   "fe80::/64",   "fe80::/10",      "ff00::/8"};
  static const std::vector<std::string> only_kept{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"};
  std::size_t number = 0;
  for (const auto& list : {always, keep_private ? only_kept : std::vector<std::string>{}}) {
    for (const std::string& prefix : list) {
      ++number;
      if (parse_prefix(prefix)->contains(one)) return number;
    }
  }
  return 0;
}

// For many keys: nothing enters or leaves a class, nothing collides, prefixes are kept as the header says, and it can be
// undone.
TEST(AddressMap, IsOneToOneWithinEachClass) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    const bool keep_private = round % 2 == 1;
    Key key{};
    for (std::uint8_t& byte : key) byte = static_cast<std::uint8_t>(random());
    std::vector<IpAddress> originals;
    for (int i = 0; i < 600; ++i) {
      IpAddress one = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
      if (i % 3 == 1 && !originals.empty()) {
        one = originals.back();
        one.bytes[12 + random() % 4] ^= static_cast<std::uint8_t>(1u << random() % 8);
      } else if (i % 3 == 2) {
        for (std::uint8_t& byte : one.bytes) byte = static_cast<std::uint8_t>(random());
        constexpr std::uint8_t kTops[] = {0x20, 0xfe, 0xfc, 0xff, 0x00};
        one.bytes[0] = kTops[random() % 5];
        if (one.bytes[0] == 0xfe) one.bytes[1] = static_cast<std::uint8_t>(0x80 | random() % 0x40);
      }
      originals.push_back(one);
    }
    for (const char* const text : {"127.0.0.1", "169.254.1.1", "224.1.1.1", "10.0.0.1", "::", "::1", "fe80::1"}) {
      originals.push_back(address(text));
    }
    std::sort(originals.begin(), originals.end());
    originals.erase(std::unique(originals.begin(), originals.end()), originals.end());

    AddressMap map(key, keep_private);
    std::vector<IpAddress> pseudonyms = originals;
    map.map(pseudonyms);
    EXPECT_EQ(std::set<IpAddress>(pseudonyms.begin(), pseudonyms.end()).size(), originals.size());
    for (std::size_t i = 0; i < originals.size(); ++i) {
      ASSERT_EQ(pseudonyms[i].is_v4(), originals[i].is_v4());
      ASSERT_EQ(class_of(pseudonyms[i], keep_private), class_of(originals[i], keep_private))
          << to_string(originals[i]) << " is " << to_string(pseudonyms[i]);
      EXPECT_TRUE(map.hides(originals[i]) || pseudonyms[i] == originals[i]);
    }
    for (std::size_t i = 1; i < originals.size(); ++i) {
      const std::size_t its_class = class_of(originals[i], keep_private);
      if (originals[i - 1].is_v4() != originals[i].is_v4() || class_of(originals[i - 1], keep_private) != its_class) continue;
      const unsigned before = shared_bits(originals[i - 1], originals[i]);
      const unsigned after = shared_bits(pseudonyms[i - 1], pseudonyms[i]);
      const unsigned exact = its_class != 0 ? 0 : originals[i].is_v4() ? 96 + 16 : 10;
      if (before >= exact) {
        EXPECT_EQ(after, before) << to_string(originals[i - 1]) << " " << to_string(originals[i]);
      } else {
        EXPECT_LT(after, exact);
      }
    }
    map.restore(pseudonyms);
    EXPECT_EQ(pseudonyms, originals);
  }
}

}  // namespace
}  // namespace tcpaccept::anonymize
