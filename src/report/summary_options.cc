#include "report/summary_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "report/values.h"
#include "summary/over_time.h"
#include "text/escape.h"

namespace tcpaccept::report {
namespace {

// "100ms", "1s", "5m", "1h".
std::int64_t interval_length(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits{{{"us", 1000},
                                                                             {"ms", 1'000'000},
                                                                             {"s", 1'000'000'000},
                                                                             {"m", 60'000'000'000},
                                                                             {"h", 3'600'000'000'000},
                                                                             {"d", 86'400'000'000'000}}};
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  const auto* known = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& one) { return one.first == unit; });
  std::int64_t length = 0;
  if (error != std::errc{} || known == kUnits.end() || __builtin_mul_overflow(known->second, count, &length) ||
      length < summary::OverTime::kShortest || length > summary::OverTime::kLongest) {
    throw ValueError("--rate: '" + text::escaped(text) + "' is not a time with its unit, like 100ms, 1s, 5m or 1h");
  }
  return length;
}

SummaryOptions top_options(const std::string& top, const std::string& by) {
  constexpr std::uint32_t kMost = 10000;
  const auto most = numbers<std::uint32_t>("--top", {top}, "a number");
  if (most.size() != 1 || most[0] < 1 || most[0] > kMost) throw ValueError("--top: give 1 to " + std::to_string(kMost));
  const auto field = summary::parse_top_field(by.empty() ? "raddr" : by);
  if (!field) {
    throw ValueError("--by: '" + text::escaped(by) + "' is none of raddr, raddr/24, raddr/24/64, rport, pid, comm, saddr, "
                     "sport, netns, cgroup, cpu, listener");
  }
  return {.kind = SummaryOptions::Kind::kTop, .most = most[0], .field = *field};
}

}  // namespace

std::optional<SummaryOptions> summary_options(const SummaryTexts& texts) {
  if ((texts.by_listener ? 1 : 0) + (texts.top.empty() ? 0 : 1) + (texts.rate.empty() ? 0 : 1) > 1) {
    throw ValueError("--summary, --top and --rate exclude each other");
  }
  if (!texts.by.empty() && texts.top.empty()) throw ValueError("--by is for --top N");
  if (texts.by_listener) return SummaryOptions{};
  if (!texts.top.empty()) return top_options(texts.top, texts.by);
  if (texts.rate.empty()) return std::nullopt;
  return SummaryOptions{.kind = SummaryOptions::Kind::kOverTime, .interval = interval_length(texts.rate)};
}

}  // namespace tcpaccept::report
