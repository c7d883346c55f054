#include "report/values.h"

#include <array>
#include <cmath>
#include <utility>

#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

[[noreturn]] void wrong(const std::string& what) { throw ValueError(what); }

}  // namespace

std::vector<std::string_view> parts(std::string_view list) {
  std::vector<std::string_view> result;
  for (;;) {
    const std::size_t comma = list.find(',');
    result.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return result;
    list.remove_prefix(comma + 1);
  }
}

std::vector<std::uint16_t> port_numbers(const char* option, const std::vector<std::string>& lists) {
  std::vector<std::uint16_t> result;
  for (const std::string& list : lists) {
    for (const std::string_view text : parts(list)) {
      const std::size_t dash = text.find('-');
      const auto one = [&](std::string_view digits) {
        std::uint16_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc{} || end != digits.data() + digits.size()) {
          wrong(std::string(option) + ": '" + text::escaped(text) +
                "' is not a port (0 to 65535) or a range like 8000-8100");
        }
        return number;
      };
      const std::uint16_t from = one(text.substr(0, dash));
      const std::uint16_t to = dash == std::string_view::npos ? from : one(text.substr(dash + 1));
      if (from > to) wrong(std::string(option) + ": the range '" + text::escaped(text) + "' runs backwards");
      for (std::uint32_t port = from; port <= to; ++port) result.push_back(static_cast<std::uint16_t>(port));
    }
  }
  return result;
}

std::vector<IpPrefix> prefixes(const char* option, const std::vector<std::string>& lists) {
  std::vector<IpPrefix> result;
  for (const std::string& list : lists) {
    for (const std::string_view text : parts(list)) {
      const auto prefix = parse_prefix(text);
      if (!prefix) {
        wrong(std::string(option) + ": '" + text::escaped(text) +
                    "' is neither an address nor a prefix like 10.0.0.0/8 or 2001:db8::/32");
      }
      result.push_back(*prefix);
    }
  }
  return result;
}

std::vector<std::string> comm_names(const char* option, const std::vector<std::string>& texts) {
  constexpr std::size_t kLongest = sizeof(Comm::bytes) - 1;
  std::vector<std::string> result;
  for (const std::string& text : texts) {
    const auto name = text::unescaped(text);
    if (!name) wrong(std::string(option) + ": in '" + text::escaped(text) + "' a backslash must begin \\xHH");
    if (name->size() > kLongest) {
      wrong(std::string(option) + ": '" + text::escaped(text) + "' can never match, the kernel keeps 15 bytes: '" +
                  text::escaped(std::string_view(*name).substr(0, kLongest)) + "'");
    }
    result.push_back(*name);
  }
  return result;
}

std::optional<TimeBound> time_bound(const char* option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const bool relative = text.front() == '+';
  const auto nanoseconds = relative ? text::parse_seconds(std::string_view(text).substr(1)) : text::parse_wall(text);
  if (!nanoseconds) {
    wrong(std::string(option) + ": '" + text::escaped(text) +
                "' is neither +SECONDS nor a time like 2026-11-23T08:10:50.25Z");
  }
  return TimeBound{relative, *nanoseconds};
}

std::pair<std::optional<TimeBound>, std::optional<TimeBound>> time_window(const char* option, std::string_view text) {
  constexpr std::int64_t kUsual = 10'000'000'000;
  std::int64_t reach = kUsual;
  std::string_view time = text;
  for (const std::string_view sign : {"\xc2\xb1", "+-", "~"}) {
    const std::size_t at = text.rfind(sign);
    if (at == std::string_view::npos) continue;
    time = text.substr(0, at);
    const auto seconds = text::parse_seconds(text.substr(at + sign.size()));
    if (!seconds) {
      wrong(std::string(option) + ": in '" + text::escaped(text) + "' no number of seconds follows the time, like +-2.5");
    }
    reach = *seconds;
    break;
  }
  const auto middle = time_bound(option, std::string(time));
  if (!middle) wrong(std::string(option) + ": '" + text::escaped(text) + "' names no time");
  TimeBound since = *middle;
  TimeBound until = *middle;
  if (__builtin_sub_overflow(since.nanoseconds, reach, &since.nanoseconds) ||
      __builtin_add_overflow(until.nanoseconds, reach, &until.nanoseconds)) {
    wrong(std::string(option) + ": '" + text::escaped(text) + "' reaches beyond the year 2262");
  }
  return {since, until};
}

std::int64_t signed_seconds(const char* option, std::string_view text) {
  const bool back = text.starts_with('-');
  const std::string_view seconds = text.substr(back || text.starts_with('+') ? 1 : 0);
  const auto nanoseconds = text::parse_seconds(seconds);
  if (!nanoseconds) {
    const std::string_view whole = seconds.substr(0, seconds.find('.'));
    if (whole.size() > text::kSecondsDigits && seconds.find_first_not_of("0123456789.") == std::string_view::npos) {
      wrong(std::string(option) + ": '" + text::escaped(text) + "' is too large; at most 31 years, " +
            std::string(text::kSecondsDigits, '9') + " seconds");
    }
    wrong(std::string(option) + ": '" + text::escaped(text) + "' is not a number of seconds, like 3600 or -0.5");
  }
  return back ? -*nanoseconds : *nanoseconds;
}

std::optional<std::uint64_t> byte_size(const char* option, std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  unsigned shift = 0;
  for (const auto& [unit, bits] : {std::pair{'k', 10u}, std::pair{'m', 20u}, std::pair{'g', 30u}}) {
    if ((text.back() | 0x20) == unit) shift = bits;
  }
  const std::string_view digits = text.substr(0, text.size() - (shift != 0 ? 1 : 0));
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc{} || end != digits.data() + digits.size() || size > kMost) {
    wrong(std::string(option) + ": '" + text::escaped(text) + "' is not a size, like 500k or 10m");
  }
  return size << shift;
}

std::optional<std::uint64_t> microseconds(const char* option, std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::string whole{text};
  double scale = 0;
  // Longer names before those that they end in.
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits{
      {{"us", 1.0}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86'400e6}}};
  for (const auto& [unit, factor] : kUnits) {
    if (!text.ends_with(unit)) continue;
    scale = factor;
    text.remove_suffix(unit.size());
    break;
  }
  constexpr double kMost = 1e15;  // some thirty years; in nanoseconds it fits as well
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (scale == 0 || error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value * scale < kMost)) {
    wrong(std::string(option) + ": '" + text::escaped(whole) +
          "' is not a time with its unit, like 250us, 10ms, 1.5s, 5m, 1h or 2d");
  }
  return static_cast<std::uint64_t>(std::llround(value * scale));
}

}  // namespace tcpaccept::report
