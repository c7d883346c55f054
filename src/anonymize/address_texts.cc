#include "anonymize/address_texts.h"

#include <algorithm>
#include <array>

namespace tcpaccept::anonymize {
namespace {

using Use = std::function<void(std::string_view, const IpAddress&)>;

constexpr std::size_t kV4Digits = 3;  // of a number
constexpr std::size_t kV6Digits = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

void tell(std::string_view text, const Use& use) {
  if (const auto address = parse_address(text)) use(text, *address);
}

// How many digits there are at run[at]; of more than `most`, which are too many, one more.
template <typename Is>
std::size_t digits_at(std::string_view run, std::size_t at, std::size_t most, Is is) {
  std::size_t count = 0;
  while (count <= most && at + count < run.size() && is(run[at + count])) ++count;
  return count;
}

// Whether a number of at most `most` digits can begin at run[at]: where digits begin, or within too many of them.
template <typename Is>
bool may_begin(std::string_view run, std::size_t at, std::size_t most, Is is) {
  const std::size_t here = digits_at(run, at, most, is);
  std::size_t before = 0;
  while (before <= most && before < at && is(run[at - before - 1])) ++before;
  return here != 0 && here <= most && (before == 0 || before + here > most);
}

// Calls `with_end` for each place where the number at run[at] may end.
template <typename Is, typename WithEnd>
void each_end(std::string_view run, std::size_t at, std::size_t most, Is is, WithEnd with_end) {
  const std::size_t digits = digits_at(run, at, most, is);
  if (digits <= most) return with_end(at + digits);
  for (std::size_t length = 1; length <= most; ++length) with_end(at + length);
}

void tell_v4(std::string_view run, const Use& use) {
  for (std::size_t at = 0; at < run.size(); ++at) {
    if (!may_begin(run, at, kV4Digits, is_digit)) continue;
    std::size_t number = at;
    int dots = 0;
    for (; dots < 3; ++dots) {
      const std::size_t digits = digits_at(run, number, kV4Digits, is_digit);
      const std::size_t end = number + digits;
      if (digits == 0 || digits > kV4Digits || end == run.size() || run[end] != '.') break;
      number = end + 1;
    }
    if (dots < 3 || number == run.size() || !is_digit(run[number])) continue;
    each_end(run, number, kV4Digits, is_digit, [&](std::size_t end) { tell(run.substr(at, end - at), use); });
  }
}

void tell_v6(std::string_view run, const Use& use) {
  for (std::size_t begin = 0; begin < run.size(); ++begin) {
    const bool gap_first = run.substr(begin).starts_with("::") && (begin == 0 || !is_hex(run[begin - 1]));
    if (!gap_first && !may_begin(run, begin, kV6Digits, is_hex)) continue;
    // Eight numbers, or fewer and one "::". What has only one number is an address if it stands alone.
    std::size_t numbers = 0;
    bool gap = false;
    const auto tell_to = [&](std::size_t end) {
      if (numbers >= 2 || (begin == 0 && end == run.size())) tell(run.substr(begin, end - begin), use);
    };
    for (std::size_t at = begin; at < run.size() && at - begin < kMaxAddressText;) {
      if (is_hex(run[at])) {
        ++numbers;
        if (gap || numbers == 8) each_end(run, at, kV6Digits, is_hex, tell_to);
        const std::size_t digits = digits_at(run, at, kV6Digits, is_hex);
        if (digits > kV6Digits || numbers == 8) break;
        at += digits;
      } else if (run.substr(at).starts_with("::")) {
        if (gap) break;
        gap = true;
        at += 2;
        tell_to(at);
      } else if (run[at] == ':' && at != begin) {
        ++at;
      } else {
        break;
      }
    }
  }
}

}  // namespace

void for_each_address(std::string_view text, const Use& use, const std::function<bool(std::string_view)>& skip) {
  static constexpr auto kParts = [] {
    std::array<bool, 256> parts{};
    for (const char c : std::string_view("0123456789abcdefABCDEF.:")) parts[static_cast<unsigned char>(c)] = true;
    return parts;
  }();
  const auto is_part = [](char c) { return kParts[static_cast<unsigned char>(c)]; };
  for (std::size_t at = 0; at < text.size();) {
    if (!is_part(text[at])) {
      ++at;
      continue;
    }
    // Most of what is looked at are numbers and times.
    std::size_t dots = 0;
    std::size_t colons = 0;
    bool gap = false;
    std::size_t end = at;
    for (; end < text.size() && is_part(text[end]); ++end) {
      if (text[end] == '.') ++dots;
      if (text[end] != ':') continue;
      gap |= colons != 0 && text[end - 1] == ':';
      ++colons;
    }
    std::string_view run = text.substr(at, end - at);
    const std::string_view before = text.substr(0, at);
    at = end;
    const bool v4 = dots >= 3;
    const bool v6 = gap || colons >= 7;
    if (!v4 && !v6) continue;
    if (before.ends_with("\\x")) run.remove_prefix(std::min<std::size_t>(run.size(), 2));
    if (before.ends_with("\\u")) run.remove_prefix(std::min<std::size_t>(run.size(), 4));
    if (skip && skip(run)) continue;
    if (v4) tell_v4(run, use);
    if (v4 && (gap || colons >= 6)) tell(run, use);  // IPv6 with an IPv4 address in it
    if (v6) tell_v6(run, use);
  }
}

}  // namespace tcpaccept::anonymize
