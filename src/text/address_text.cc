#include "text/address_text.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "text/digits.h"

namespace tcpaccept::text {
namespace {

// "0" to "ffff" without leading zeros.
char* put_group(char* to, unsigned group) {
  static constexpr char kHex[] = "0123456789abcdef";
  // All four digits, and then a copy of four bytes that begins at the first significant one.
  const char digits[8] = {kHex[group >> 12], kHex[group >> 8 & 15], kHex[group >> 4 & 15], kHex[group & 15]};
  const int length = (35 - std::countl_zero(group | 1u)) / 4;
  std::memcpy(to, digits + 4 - length, 4);
  return to + length;
}

struct ZeroRun {
  unsigned begin = 8;
  unsigned length = 0;
};

// For every set of zero groups (bit i = group i), the run RFC 5952 shortens: the longest of at least two groups, the
// first among equals.
struct ZeroRuns {
  ZeroRun of[256];
  constexpr ZeroRuns() : of{} {
    for (unsigned zeros = 0; zeros < 256; ++zeros) {
      for (unsigned begin = 0; begin < 8; ++begin) {
        unsigned end = begin;
        while (end < 8 && (zeros >> end & 1) != 0) ++end;
        if (end - begin >= 2 && end - begin > of[zeros].length) of[zeros] = {begin, end - begin};
      }
    }
  }
};
constexpr ZeroRuns kZeroRuns;

}  // namespace

char* put_address(char* to, const IpAddress& address) {
  if (address.is_v4()) {
    to = put_below_1000(to, address.bytes[12]);
    *to++ = '.';
    to = put_below_1000(to, address.bytes[13]);
    *to++ = '.';
    to = put_below_1000(to, address.bytes[14]);
    *to++ = '.';
    return put_below_1000(to, address.bytes[15]);
  }
  unsigned groups[8];
  unsigned zeros = 0;
  for (unsigned i = 0; i < 8; ++i) {
    groups[i] = static_cast<unsigned>(address.bytes[2 * i]) << 8 | address.bytes[2 * i + 1];
    zeros |= static_cast<unsigned>(groups[i] == 0) << i;
  }
  const ZeroRun run = kZeroRuns.of[zeros];
  for (unsigned i = 0; i < 8; ++i) {
    if (i == run.begin) {
      to = put(to, "::");
      i += run.length - 1;
      continue;
    }
    if (i != 0 && i != run.begin + run.length) *to++ = ':';
    to = put_group(to, groups[i]);
  }
  return to;
}

}  // namespace tcpaccept::text
