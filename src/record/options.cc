#include "record/options.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>

#include "core/printable.h"
#include "kernel/tracer.h"

namespace tcpaccept::record {
namespace {

// The live tool's help is the seed's, to the byte; scripts and people know it.
constexpr const char* kLiveUsage = "usage: tcpaccept [-h] [-t] [-p PID]\n";
constexpr const char* kLiveHelp =
    "\n"
    "Trace TCP accepts\n"
    "\n"
    "optional arguments:\n"
    "  -h    show this help message and exit\n"
    "  -t    include timestamp on output\n"
    "  -p    trace this PID only\n"
    "\n"
    "examples:\n"
    "    ./tcpaccept           # trace all TCP accept()s\n"
    "    ./tcpaccept -t        # include timestamps\n"
    "    ./tcpaccept -p 121    # only trace PID 121\n";

constexpr std::uint64_t kSmallestRing = 4096;
constexpr std::uint64_t kLargestRing = std::uint64_t{1} << 30;

// A whole positive number, or Error. CLI11's own conversions accept too much ("0x10", "1e3", octal).
template <typename T>
T whole_number(const std::string& option, const std::string& text, T largest) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > largest) {
    throw CLI::ValidationError(option, "'" + text + "' is not a whole number from 1 to " + std::to_string(largest));
  }
  return value;
}

std::uint32_t process_id(const std::string& text) {
  // The kernel's upper limit of a pid (PID_MAX_LIMIT, include/linux/threads.h).
  return whole_number<std::uint32_t>("-p", text, 4194304);
}

double seconds(const std::string& option, const std::string& text) {
  double value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr double kLongest = 1e9;
  constexpr double kShortest = 1e-3;
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= kShortest && value <= kLongest)) {
    throw CLI::ValidationError(option, "'" + text + "' is not a number of seconds (0.001 or more)");
  }
  return value;
}

// Runs the parser; a request for help or version, or an error, becomes a text.
template <typename Options, typename Help>
void parse(CLI::App& app, int argc, const char* const* argv, CommandLine<Options>& line, Help help,
           const std::string& usage) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.run = false;
    line.text = help();
  } catch (const CLI::CallForVersion& version) {
    line.run = false;
    line.text = app.get_name() + " " + TCPACCEPT_VERSION + "\n";
  } catch (const CLI::ParseError& error) {
    line.run = false;
    line.text = usage + app.get_name() + ": " + printable(error.what()) + "\n";
    line.status = Exit::kUsage;
  }
}

}  // namespace

std::optional<std::uint64_t> parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc{} || last - end > 1) return std::nullopt;
  if (end == last) return value;
  switch (*end) {
    case 'k':
    case 'K':
      return value <= kLargestRing ? std::optional{value << 10} : std::nullopt;
    case 'm':
    case 'M':
      return value <= kLargestRing ? std::optional{value << 20} : std::nullopt;
    default:
      return std::nullopt;
  }
}

CommandLine<RecordOptions> parse_record(int argc, const char* const* argv) {
  CommandLine<RecordOptions> line;
  RecordOptions& options = line.options;
  std::vector<std::string> pids;
  std::string duration;
  std::string count;
  std::string ring;
  std::string on_full = "wait";

  CLI::App app{"Record TCP accepts of this host into a capture file, until Ctrl-C.", "tcpaccept-record"};
  app.set_help_flag("-h,--help", "Show this help and exit");
  app.set_version_flag("--version", TCPACCEPT_VERSION, "Show the version and exit");
  app.add_option("-o,--output", options.output,
                 "Write the capture to FILE; - is standard output. Default: tcpaccept-YYYYMMDD-HHMMSS.tcpa here")
      ->option_text("FILE");
  app.add_flag("--force", options.force, "Replace FILE if it exists");
  app.add_flag("--plain", options.plain,
               "Write plain batches: larger, but readable by capnp decode and every Cap'n Proto library");
  app.add_option("-p,--pid", pids, "Record this process only, all its threads; may be given again")
      ->option_text("PID")
      ->allow_extra_args(false);
  app.add_option("-d,--duration", duration, "Stop after so many seconds")->option_text("SECONDS");
  app.add_option("-c,--count", count, "Stop after so many accepts")->option_text("COUNT");
  app.add_option("--ring-size", ring, "Ring buffer for each CPU, in bytes or with k or m (default 1m)")
      ->option_text("SIZE");
  app.add_flag("-q,--quiet", options.quiet, "Print errors and losses only");
  app.add_flag("-v,--verbose", options.verbose, "Say how the probe was set up");
  app.add_option("--plan", options.plan, "Use only this probe plan: graft, inet_accept or csk_accept")
      ->option_text("PLAN");
  app.add_flag("--check", options.check,
               "Say what this machine offers and what is missing, record nothing; status 0 when recording works");
  app.add_option("--on-full", on_full,
                 "When the disk is full: wait (default) goes on in memory until there is room, stop ends")
      ->option_text("wait|stop");
  app.add_option("--raw", options.raw, "Also keep the raw ring bytes in FILE (for bug reports about the recorder)")
      ->option_text("FILE");
  app.footer(
      "Read the capture with tcpaccept-report.\n"
      "Exit status: 0 complete, 1 failed, 2 wrong usage, 3 recorded, but accepts were lost (said on stderr).");
  app.final_callback([&] {
    if (options.quiet && options.verbose) throw CLI::ValidationError("-q and -v", "only one of them makes sense");
    for (const char* const option : {"--output", "--duration", "--count", "--ring-size", "--plan", "--raw",
                                     "--on-full"}) {
      const auto values = app.get_option(option)->results();
      if (!values.empty() && values.front().empty()) throw CLI::ValidationError(option, "its value is empty");
    }
    for (const std::string& pid : pids) options.pids.push_back(process_id(pid));
    if (!duration.empty()) options.duration = seconds("-d", duration);
    if (!count.empty()) options.count = whole_number<std::uint64_t>("-c", count, std::uint64_t{1} << 62);
    if (!ring.empty()) {
      const auto size = parse_size(ring);
      if (!size || *size < kSmallestRing || *size > kLargestRing) {
        throw CLI::ValidationError("--ring-size", "'" + ring + "' is not a size from 4k to 1024m");
      }
      options.ring_bytes = *size;
    }
    if (on_full != "wait" && on_full != "stop") {
      throw CLI::ValidationError("--on-full", "'" + on_full + "' is neither wait nor stop");
    }
    options.stop_when_full = on_full == "stop";
    if (!options.plan.empty() && options.plan != "graft" && options.plan != "inet_accept" &&
        options.plan != "csk_accept") {
      throw CLI::ValidationError("--plan", "'" + options.plan + "' is not one of graft, inet_accept, csk_accept");
    }
  });
  parse(app, argc, argv, line, [&] { return app.help(); }, "");
  return line;
}

CommandLine<LiveOptions> parse_live(int argc, const char* const* argv) {
  CommandLine<LiveOptions> line;
  std::string pid;
  CLI::App app{"", "tcpaccept"};
  app.set_help_flag("-h,--help", "");
  app.add_flag("-t", line.options.timestamps, "");
  app.add_option("-p", pid, "")->allow_extra_args(false);
  app.final_callback([&] {
    if (app.count("-p") != 0) line.options.pid = process_id(pid);
  });
  parse(app, argc, argv, line, [] { return std::string{kLiveUsage} + kLiveHelp; }, kLiveUsage);
  return line;
}

}  // namespace tcpaccept::record
