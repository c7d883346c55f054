// Pseudonyms of addresses that keep the class of an address.
//
//   class                                   | its addresses
//   0.0.0.0/8, ::                           | stay: they name nobody
//   127.0.0.0/8, ::1                        | stay: they mean the host itself, whichever it is
//   169.254.0.0/16                          | permuted within it
//   fe80::/64, the rest of fe80::/10        | permuted within it: the last 64 bits may hold a hardware address
//   224.0.0.0/4                             | permuted within it
//   ff00::/8                                | permuted, flags and scope (the first 16 bits) stay
//   10/8, 172.16/12, 192.168/16, 100.64/10, | stay, if asked for; otherwise they are like all others
//   fc00::/7                                |
//   all others                              | Crypto-PAn
//
// A v4-mapped address is the IPv4 address it holds.
//
// No address leaves or enters a class: one whose pseudonym would fall into another class is permuted again until it
// does not (cycle walking). That stays one to one, and whole blocks walk together, so it costs little of the
// prefixes. Of two addresses of one class, the pseudonyms share exactly as many first bits as they do; but of "all
// others" this holds for IPv4 addresses that share 16 bits or more and for IPv6 ones that share 10 or more, those
// that share fewer share fewer than 16 or 10 afterwards, and exactly as many unless one of them walked. (In IPv6, ::,
// ::1, ::ffff:0:0/96 and fe80::/64 are smaller blocks: there the walk could split a longer prefix, for one address in
// 2^54.)
//
// Crypto-PAn leaves one IPv4 address of some 15,000 as it is: where an address agrees with the padding, its bits are
// not turned independently. Such an address gets its last bit turned. Its neighbour, which shares all bits but this
// one, is left alone for the same reason and turned as well: still one to one, and prefixes are kept.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "anonymize/crypto_pan.h"
#include "core/ip_address.h"

namespace tcpaccept::anonymize {

// Not thread safe: one for each thread.
class AddressMap {
 public:
  AddressMap(const Key& key, bool keep_private);

  // Each to its pseudonym.
  void map(std::span<IpAddress> addresses) { walk(addresses, true); }
  // And back.
  void restore(std::span<IpAddress> pseudonyms) { walk(pseudonyms, false); }

  // It is not its own pseudonym by rule.
  bool hides(const IpAddress& address) const;

 private:
  // A block of addresses of one family, and how many of their first bits stay.
  struct Class {
    Bits block;
    unsigned length = 0;
    unsigned kept = 0;
  };
  static constexpr unsigned kWidthV4 = 32;
  static constexpr unsigned kWidthV6 = 128;

  // The last one is that of all others.
  std::size_t class_of(const Bits& value, bool v4) const;
  const std::vector<Class>& classes(bool v4) const { return v4 ? classes_v4_ : classes_v6_; }
  void add(const char* prefix, unsigned kept);
  void walk(std::span<IpAddress> addresses, bool forth);
  void walk_class(std::span<IpAddress> addresses, bool v4, std::size_t number, bool forth);

  CryptoPan crypto_pan_;
  std::vector<Class> classes_v4_;
  std::vector<Class> classes_v6_;
  // Of one call: where the addresses of each class are.
  std::array<std::vector<std::vector<std::uint32_t>>, 2> members_;
  std::vector<Bits> values_;
  std::vector<IpAddress> before_;
};

}  // namespace tcpaccept::anonymize
