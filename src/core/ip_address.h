// An IP address as 16 bytes in network byte order; IPv4 is held as its v4-mapped form (RFC 4291, 2.5.5.2).
//
// One representation for both families keeps columns, dictionaries and prefix tests uniform. A client that
// reaches a dual-stack listener over IPv4 arrives from the kernel in this very form and is shown as IPv4.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tcpaccept {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // network byte order

  auto operator<=>(const IpAddress&) const = default;

  static IpAddress from_v4(std::uint32_t network_order) {
    IpAddress address;
    address.bytes[10] = address.bytes[11] = 0xff;
    std::memcpy(&address.bytes[12], &network_order, 4);
    return address;
  }
  bool is_v4() const {
    static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes.data(), kMapped.data(), kMapped.size()) == 0;
  }
};

// Longest text: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" is 45; our own output never exceeds 39.
inline constexpr std::size_t kMaxAddressText = 46;

// Writes the address at `to` (room for kMaxAddressText bytes), returns one past the end. IPv4 and mapped
// addresses are dotted quads; IPv6 follows RFC 5952 (lower case, longest run of zeros shortened).
char* format_address(const IpAddress& address, char* to);
std::string to_string(const IpAddress& address);

// Accepts dotted quads and every IPv6 form of inet_pton(3); nothing else.
std::optional<IpAddress> parse_address(std::string_view text);

// An address prefix. `length` counts bits of the 16-byte form: an IPv4 /24 is held as 120.
struct IpPrefix {
  IpAddress address;
  unsigned length = 0;

  bool operator==(const IpPrefix&) const = default;
  bool contains(const IpAddress& candidate) const;
};

// "10.0.0.0/8", "2001:db8::/32", or a bare address (a prefix of full length). IPv4 lengths are 0 to 32.
// Bits beyond the length are ignored, as in tcpdump. "0.0.0.0/0" matches IPv4 only, "::/0" matches everything
// but IPv4.
std::optional<IpPrefix> parse_prefix(std::string_view text);

}  // namespace tcpaccept
