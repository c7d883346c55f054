#include "core/ip_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace tcpaccept {
namespace {

char* format_octet(unsigned value, char* to) { return std::to_chars(to, to + 3, value).ptr; }

char* format_v4(const std::uint8_t* octets, char* to) {
  for (int i = 0; i < 4; ++i) {
    if (i != 0) *to++ = '.';
    to = format_octet(octets[i], to);
  }
  return to;
}

struct ZeroRun {
  std::size_t start = 8;  // 8 = none
  std::size_t length = 0;
};

// The run RFC 5952 section 4.2 shortens: the longest of at least two groups, the first among equals.
ZeroRun longest_zero_run(const std::array<std::uint16_t, 8>& groups) {
  ZeroRun best;
  for (std::size_t i = 0; i < 8;) {
    if (groups[i] != 0) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = end;
  }
  return best;
}

}  // namespace

char* format_address(const IpAddress& address, char* to) {
  if (address.is_v4()) return format_v4(&address.bytes[12], to);

  std::array<std::uint16_t, 8> groups;
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
  }
  const ZeroRun run = longest_zero_run(groups);
  for (std::size_t i = 0; i < 8;) {
    if (i == run.start) {
      *to++ = ':';
      *to++ = ':';
      i += run.length;
      continue;
    }
    if (i != 0 && i != run.start + run.length) *to++ = ':';
    to = std::to_chars(to, to + 4, groups[i], 16).ptr;
    ++i;
  }
  return to;
}

std::string to_string(const IpAddress& address) {
  char text[kMaxAddressText];
  return {text, format_address(address, text)};
}

std::optional<IpAddress> parse_address(std::string_view text) {
  // inet_pton wants a terminated string; a NUL inside must not shorten what was given.
  if (text.size() >= kMaxAddressText || text.find('\0') != std::string_view::npos) return std::nullopt;
  char copy[kMaxAddressText] = {};
  text.copy(copy, text.size());
  in_addr v4;
  if (inet_pton(AF_INET, copy, &v4) == 1) return IpAddress::from_v4(v4.s_addr);
  IpAddress address;
  if (inet_pton(AF_INET6, copy, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

bool IpPrefix::contains(const IpAddress& candidate) const {
  // A short IPv6 prefix would swallow the mapped IPv4 range; a user who writes ::/0 means IPv6.
  if (length < 96 && candidate.is_v4()) return false;
  const unsigned whole = length / 8;
  if (std::memcmp(address.bytes.data(), candidate.bytes.data(), whole) != 0) return false;
  const unsigned rest = length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((address.bytes[whole] ^ candidate.bytes[whole]) & mask) == 0;
}

std::optional<IpPrefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const bool written_as_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const unsigned offset = written_as_v4 ? 96 : 0;
  IpPrefix prefix{*address, 128};
  if (slash == std::string_view::npos) return prefix;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  if (length > 128 - offset) return std::nullopt;
  prefix.length = length + offset;
  return prefix;
}

}  // namespace tcpaccept
