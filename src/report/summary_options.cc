#include "report/summary_options.h"

#include <string_view>

#include "report/values.h"
#include "summary/over_time.h"
#include "text/escape.h"

namespace tcpaccept::report {
namespace {

// In nanoseconds.
std::int64_t interval_length(std::string_view text) {
  const auto length = static_cast<std::int64_t>(*microseconds("--rate", text) * 1000);
  if (length < summary::OverTime::kShortest || length > summary::OverTime::kLongest) {
    throw ValueError("--rate: '" + text::escaped(text) + "' is not between 1us and 1000d");
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
