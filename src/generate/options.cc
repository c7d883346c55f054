#include "generate/options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "core/error.h"
#include "core/printable.h"

namespace tcpaccept::generate {
namespace {

[[noreturn]] void usage_error(const std::string& what) {
  throw Error(what + "; see tcpaccept-generate --help", Exit::kUsage);
}

// Leaves `to` as it is if the option is not given.
template <typename T>
void number(const char* option, const std::string& text, double least, double most, T& to) {
  if (text.empty()) return;
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto size = static_cast<double>(value);
  if (error != std::errc{} || end != text.data() + text.size() || !(size >= least && size <= most)) {
    std::array<char, 96> range;
    std::snprintf(range.data(), range.size(), "%.12g to %.12g", least, most);
    usage_error(std::string(option) + ": '" + printable(text) + "' is not a number from " + range.data());
  }
  to = value;
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  CLI::App app{"Writes a capture of made-up accepts, for load tests and demonstrations.", "tcpaccept-generate"};
  ParsedOptions parsed;
  Options& options = parsed.options;
  Plan& plan = options.plan;
  Workload& workload = plan.workload;
  std::string count, duration, rate, listeners, addresses, ipv6, seed, losses, gaps;
  bool plain = false, bare = false, version = false;
  app.add_option("-o,--output", options.output, "write to this file; - = standard output")->type_name("OUT");
  app.add_flag("--force", options.force, "replace OUT if it exists");
  app.add_option("-c,--count", count, "so many accepts (default 100000)")->type_name("COUNT");
  app.add_option("-d,--duration", duration, "for so long instead, holes included")->type_name("SECONDS");
  app.add_option("--rate", rate, "accepts a second, on average (default 20000)")->type_name("RATE");
  app.add_option("--listeners", listeners, "listening processes, a port each (default 12)")->type_name("N");
  app.add_option("--addresses", addresses, "remote addresses of each family (default 8)")->type_name("N");
  app.add_option("--ipv6", ipv6, "share of accepts over IPv6, 0 to 1 (default 0.2)")->type_name("SHARE");
  app.add_option("--losses", losses, "so many times accepts are lost")->type_name("N");
  app.add_option("--gaps", gaps, "so many times the probe is off")->type_name("N");
  app.add_flag("--bare", bare, "without queue figures and round trips");
  app.add_flag("--plain", plain, "plain batches");
  app.add_option("--seed", seed, "another number, another capture (default 1)")->type_name("N");
  app.set_help_flag("-h,--help", "show this help and exit");
  app.add_flag("--version", version, "show the version and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {{}, app.help()};
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    std::replace(what.begin(), what.end(), '\n', ' ');
    usage_error(printable(what));
  }
  if (version) return {{}, "tcpaccept-generate " TCPACCEPT_VERSION "\n"};
  if (options.output.empty()) usage_error("give -o OUT, where the capture goes; - is standard output");
  if (!count.empty() && !duration.empty()) usage_error("--count and --duration exclude each other");

  double a_second = 1e9 / workload.mean_gap_ns;
  double seconds = 0;
  number("--rate", rate, 0.001, 1e8, a_second);
  workload.mean_gap_ns = 1e9 / a_second;
  number("--duration", duration, 0.001, 1e9, seconds);
  constexpr double kMostAccepts = 1e12;
  if (seconds * a_second > kMostAccepts) usage_error("--duration: that would be more than 1e12 accepts");
  if (seconds > 0) plan.duration = static_cast<std::uint64_t>(seconds * 1e9);
  number("--count", count, 0, kMostAccepts, plan.accepts);
  number("--listeners", listeners, 1, 50000, workload.listeners);
  number("--addresses", addresses, 1, 10'000'000, workload.remote_addresses);
  number("--ipv6", ipv6, 0, 1, workload.ipv6_share);
  number("--losses", losses, 0, 10000, plan.losses);
  number("--gaps", gaps, 0, 10000, plan.gaps);
  // Holes with nothing between them are one hole.
  const std::uint64_t holes = std::uint64_t{plan.losses} + plan.gaps;
  const double accepts = plan.duration ? seconds * a_second : static_cast<double>(plan.accepts);
  if (static_cast<double>(holes) > std::max(accepts, 1.0)) {
    usage_error("--losses and --gaps: " + std::to_string(holes) + " holes need as many accepts to lie between");
  }
  number("--seed", seed, 0, 4294967295.0, workload.seed);
  workload.metrics = !bare;
  if (plain) plan.packing = capture::Packing::kPlain;
  return parsed;
}

}  // namespace tcpaccept::generate
