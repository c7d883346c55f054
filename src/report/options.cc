#include "report/options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "core/error.h"
#include "report/option_rules.h"
#include "report/values.h"
#include "text/escape.h"

#ifndef TCPACCEPT_VERSION
#define TCPACCEPT_VERSION "unknown"
#endif

namespace tcpaccept::report {
namespace {

// The columns of the text formats, what they hold and how it is written. New ones make a new version; old ones stay.
constexpr unsigned kOutputVersion = 1;

// What stands for no KEYFILE; it can be none.
constexpr std::string_view kRandomKey = "/";

constexpr const char* kFooter = R"(
Options of one kind given several times are alternatives; different kinds must
all match. Numbers and addresses may be lists: --port 22,443.

TIME is +SECONDS since the first accept of the input (as -t shows it when
nothing is filtered), or YYYY-MM-DD HH:MM:SS[.fraction] with Z, +HH:MM or
-HH:MM behind it; without one it is UTC. A T may stand for the space.

In tables and CSV every byte of COMM that is not printable ASCII, and the
backslash, is written \xHH; --comm takes names in that form. CSV also writes a
leading = + - or @ so. JSON adds comm_hex where COMM is not valid UTF-8.

CSV columns (JSON has the same names): time_ns, wall_time, raddr, rport, pid,
comm, saddr, sport, family, socket_family, protocol, netns, cgroup, backlog,
in_kernel, tid, cpu, wait_us, ahead, rtt_us, left, nspid, cgroup_path. Empty
(null) = not recorded.
--columns takes these names, and time: seconds since the first row.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but the capture is
incomplete or damaged (standard error says how).
With --diff and --expect: 0 the same, or as expected; 1 not; 2 wrong usage, or a
file that cannot be read or is damaged; 3 unknown: a capture lacks accepts.

examples:
    tcpaccept-report FILE                     # the table
    tcpaccept-report -T --port 443 FILE       # with wall time, one local port
    tcpaccept-report --format csv A B         # two captures in time order
    tcpaccept-report -f FILE                  # follow while it is recorded
    tcpaccept-report --info FILE              # what the capture holds
    tcpaccept-report --format html -o P.html FILE    # a page with charts
    tcpaccept-report --top 10 --by raddr FILE # who connects most
)";

[[noreturn]] void usage_error(const std::string& what) {
  throw Error(what + "; see tcpaccept-report --help", Exit::kUsage);
}

compare::CanonicalRules canonical_rules(const std::string& list) {
  compare::CanonicalRules rules;
  for (const std::string_view what : parts(list)) {
    if (what == "addresses") {
      rules.addresses = true;
    } else if (what == "ports") {
      rules.local_ports = true;
    } else if (what != "pids") {
      usage_error("--canonical: '" + text::escaped(what) + "' is none of addresses, ports");
    }
  }
  return rules;
}

// "5" or "10%".
compare::Tolerance tolerance(const std::string& text) {
  compare::Tolerance result;
  if (text.empty()) return result;
  const bool percent = text.ends_with('%');
  const std::string digits = text.substr(0, text.size() - (percent ? 1 : 0));
  const auto given = numbers<std::uint32_t>("--tolerate-count", {digits}, "a number, or a percentage like 10%");
  if (given.size() != 1) usage_error("--tolerate-count: give one whole number, or a percentage like 10%");
  const std::uint32_t number = given.front();
  if (percent) {
    result.percent = number;
  } else {
    result.count = number;
  }
  return result;
}

bool is_time(text::Column column) {
  return column == text::Column::kTime || column == text::Column::kTimeNs || column == text::Column::kWallTime;
}

// Repeated options collect their values; one value each, so that a FILE can follow.
CLI::Option* add_list(CLI::App& app, const char* name, std::vector<std::string>& values, const char* type,
                      const char* text) {
  return app.add_option(name, values, text)->allow_extra_args(false)->type_name(type);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text::escaped(text);
}

// Short enough for the column of descriptions to stay one: which options go together the parser lists as well, and of a
// flag that may have a value it shows the one that it has by itself, which says nothing to anybody.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, is_positional);
    if (const std::size_t own = name.find('{'); own != std::string::npos) {
      name.replace(own, std::string::npos, "[=" + option->get_type_name() + "]");
    }
    return name;
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (option->get_type_size() == 0 || option->get_expected_min() == 0) return text;
    if (!option->get_type_name().empty()) text += " " + option->get_type_name();
    if (option->get_expected_max() == CLI::detail::expected_max_vector_size) text += " ...";
    return text;
  }
};

// Long names of the options on the command line.
std::vector<std::string> given(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() != 0 && !option->get_positional()) names.push_back(option->get_name());
  }
  return names;
}

ParsedOptions parse(int argc, const char* const* argv) {
  CLI::App app{"Prints what tcpaccept-record recorded: every accepted TCP connection, or those asked for.",
               "tcpaccept-report"};
  Options options;
  std::vector<std::string> pids, comms, ports, rports, raddrs, saddrs;
  std::vector<std::string> netns, cgroups;
  std::string since, until, wait_over, columns, jobs, rows, canonical, tie, tolerate_count, tolerate_time;
  unsigned output_version = kOutputVersion;
  std::string format = "table";
  std::string top, by, rate;
  bool by_listener = false;
  std::string anonymize, shift_time, around, max_bytes;
  bool relative = false, wall = false, only_v4 = false, only_v6 = false, version = false, recover = false;

  app.add_option("FILE", options.files, "captures, merged in time order; - = standard input (default)")
      ->type_name("");
  app.add_flag("-t", relative, "table: seconds since the first row shown");
  app.add_flag("-T", wall, "table: wall time, UTC");
  add_list(app, "-p,--pid", pids, "PID", "this process only");
  add_list(app, "--comm", comms, "NAME", "processes of exactly this name");
  add_list(app, "--port", ports, "PORT", "this local port, or a range: 8000-8100");
  add_list(app, "--rport", rports, "PORT", "this remote port, or a range");
  add_list(app, "--raddr", raddrs, "CIDR", "remote address or prefix");
  add_list(app, "--saddr", saddrs, "CIDR", "local address or prefix");
  add_list(app, "--netns", netns, "INODE", "this network namespace");
  add_list(app, "--cgroup", cgroups, "ID|PATH", "this cgroup (v2): its id, or its path and all below it");
  app.add_option("--wait-over", wait_over, "waited longer in the accept queue: 10ms, 250us, 1s")->type_name("TIME");
  app.add_flag("-4", only_v4, "IPv4 only (as shown: also clients of an IPv6 socket over IPv4)");
  app.add_flag("-6", only_v6, "IPv6 only");
  app.add_option("--since", since, "from this time on")->type_name("TIME");
  app.add_option("--until", until, "up to, not including, this time")->type_name("TIME");
  app.add_option("--around", around, "from SECONDS (10) before TIME to SECONDS after it; not with --since and --until")
      ->type_name("TIME[+-SECONDS]");
  app.add_option("--format", format, "table (default), csv, json, html: a page to look at, or capture: filtered, merged, compact")
      ->type_name("FORMAT");
  app.add_flag("--plain", options.plain, "capture: plain batches, readable by capnp decode and every Cap'n Proto library");
  app.add_option("--rows", rows, "html: list the first N accepts (default 10000, at most 100000)")->type_name("N");
  app.add_option("--max-bytes", max_bytes,
                 "capture: without its first accepts, if it were larger than this (k, m, g; needs -o)")
      ->type_name("SIZE");
  app.add_flag("--anonymize{/}", anonymize,
               "pseudonyms for addresses, names, ids; --anonymize=KEYFILE: always the same ones (README)")
      ->type_name("KEYFILE");
  app.add_flag("--keep-private", options.anonymity.keep_private, "anonymize: addresses of private networks stay");
  app.add_flag("--keep-comm", options.anonymity.keep_comm, "anonymize: command names stay");
  app.add_flag("--map-ports", options.anonymity.map_ports, "anonymize: ports from 1024 on get other numbers");
  app.add_option("--shift-time", shift_time, "anonymize: move wall time so far, hide the uptime; also =-SECONDS")
      ->type_name("SECONDS");
  app.add_option("-o,--output", options.output, "write to this file instead of standard output")->type_name("OUT");
  app.add_flag("--force", options.force, "replace OUT if it exists");
  app.add_option("--columns", columns, "these columns, in this order (names below)")->type_name("LIST");
  app.add_flag("--summary", by_listener, "figures for each listener, instead of rows");
  app.add_option("--top", top, "the N most frequent values of the field of --by, instead of rows")->type_name("N");
  app.add_option("--by", by, "raddr (default), raddr/24, raddr/24/64, rport, pid, comm, saddr, sport, netns, cgroup, cpu, listener")
      ->type_name("FIELD");
  app.add_option("--rate", rate, "accepts in each interval, instead of rows: 1s, 100ms, 5m")->type_name("INTERVAL");
  app.add_flag("--info", options.info, "what the captures hold, instead of rows");
  app.add_flag("--verify", options.verify, "prove every byte and say what is damaged, instead of rows");
  app.add_flag("--recover", recover, "write what is intact to a new capture (needs -o)");
  app.add_flag("--from-csv", options.from_csv, "FILE is CSV, as --format csv writes it or a person");
  app.add_flag("-f,--follow", options.follow, "wait for more until the recording ends");
  app.add_flag("--require-complete", options.require_complete,
               "status 3 also where nothing proves that no accept is missing");
  app.add_option("--output-version", output_version, "the text formats as of this version; there is 1")->type_name("N");
  app.add_flag("--canonical{pids}", canonical,
               "without what changes from run to run: PID P1, RPORT E1, no times (README); also "
               "--canonical=addresses,ports")
      ->type_name("WHAT");
  app.add_option("--tie", tie, "canonical: accepts so close together are simultaneous: 10ms")->type_name("TIME");
  app.add_flag("--diff", options.diff, "compare two FILEs, EXPECTED ACTUAL: captures or stored texts");
  app.add_flag("--sequence", options.sequence, "diff: their order counts, too");
  app.add_option("--tolerate-count", tolerate_count, "diff: so many more or fewer of a kind, or N%, are the same")
      ->type_name("N");
  app.add_option("--tolerate-time", tolerate_time, "diff: at the same time, give or take this")->type_name("TIME");
  app.add_option("--expect", options.expect, "check the captures against the expectations in this file (TOML)")
      ->type_name("FILE");
  app.add_option("--junit", options.junit, "diff, expect: write the results there as JUnit XML")->type_name("OUT");
  app.add_option("-j,--jobs", jobs, "threads to use (default: one for each processor, up to 4)")->type_name("N");
  for (const char* const one : {"--keep-private", "--keep-comm", "--map-ports", "--shift-time"}) {
    app.get_option(one)->needs("--anonymize");
  }
  for (const char* const one : {"--recover", "--max-bytes"}) app.get_option(one)->needs("--output");
  app.get_option("--around")->excludes("--since")->excludes("--until");
  app.get_option("-t")->excludes("-T")->excludes("--columns");
  app.get_option("-T")->excludes("--columns");
  app.get_option("--from-csv")->excludes("--follow");
  app.set_help_flag("-h,--help", "show this help and exit");
  app.add_flag("--version", version, "show the version and exit");
  app.footer(kFooter);
  app.formatter(std::make_shared<HelpFormatter>());

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {{}, app.help()};
  } catch (const CLI::ParseError& error) {
    usage_error(one_line(error.what()));
  }
  if (version) return {{}, "tcpaccept-report " TCPACCEPT_VERSION "\n"};

  // The parser takes no value for the default one: a random key, where a variable was meant to name a file.
  if (std::find(argv, argv + argc, std::string_view("--anonymize=")) != argv + argc) {
    usage_error("--anonymize: its value is empty");
  }
  for (const char* const option : {"--since", "--until", "--wait-over", "--columns", "--jobs", "--rows", "--output",
                                   "--canonical", "--tie", "--tolerate-count", "--tolerate-time", "--junit", "--expect",
                                   "--shift-time", "--around", "--max-bytes", "--top", "--by", "--rate"}) {
    const auto values = app.get_option(option)->results();
    if (!values.empty() && values.front().empty()) usage_error(std::string(option) + ": its value is empty");
  }
  FilterSpec& filter = options.filter;
  filter.pids = numbers<std::uint32_t>("-p", pids, "a process id");
  filter.ports = port_numbers("--port", ports);
  filter.rports = port_numbers("--rport", rports);
  filter.comms = comm_names("--comm", comms);
  filter.raddrs = prefixes("--raddr", raddrs);
  filter.saddrs = prefixes("--saddr", saddrs);
  if (only_v4 != only_v6) filter.family = only_v4 ? 4 : 6;  // both together: either
  filter.netns = numbers<std::uint32_t>("--netns", netns, "an inode number");
  // A path may hold a comma; a list of ids begins with a digit.
  const auto paths = std::stable_partition(cgroups.begin(), cgroups.end(),
                                           [](const std::string& text) { return !text.starts_with('/'); });
  for (auto path = paths; path != cgroups.end(); ++path) {
    const auto raw = text::unescaped(*path);
    if (!raw) usage_error("--cgroup: in '" + text::escaped(*path) + "' a backslash must begin \\xHH");
    filter.cgroup_paths.push_back(*raw);
  }
  cgroups.erase(paths, cgroups.end());
  filter.cgroups = numbers<std::uint64_t>("--cgroup", cgroups, "a cgroup id or a path that begins with /");
  filter.wait_over_us = microseconds("--wait-over", wait_over);
  filter.since = time_bound("--since", since);
  filter.until = time_bound("--until", until);
  if (!around.empty()) {
    std::tie(filter.since, filter.until) = time_window("--around", around);
  }

  if (output_version != kOutputVersion) {
    usage_error("--output-version: this program writes version " + std::to_string(kOutputVersion) + " only");
  }
  options.canonical = !canonical.empty();
  if (options.canonical) options.canonical_rules = canonical_rules(canonical);
  if (const auto apart = microseconds("--tie", tie)) options.canonical_rules.tie = *apart * 1000;
  options.tolerance = tolerance(tolerate_count);
  if (const auto apart = microseconds("--tolerate-time", tolerate_time)) options.tolerance.time = *apart * 1000;

  if (!jobs.empty()) {
    const auto values = numbers<std::uint32_t>("--jobs", {jobs}, "a number of threads");
    if (values.size() != 1 || values[0] < 1 || values[0] > 64) usage_error("--jobs: give 1 to 64 threads");
    options.jobs = values[0];
  }
  demand_compatible(given(app), format);
  options.rewrite = recover || format == "capture";
  options.page = format == "html";
  if (format == "csv") options.format = text::Format::kCsv;
  if (format == "json") options.format = text::Format::kJson;
  if (!rows.empty()) {
    const auto values = numbers<std::uint32_t>("--rows", {rows}, "a number of rows");
    if (values.size() != 1 || values[0] > 100'000) usage_error("--rows: give 0 to 100000 rows");
    options.rows = values[0];
  }
  if (!columns.empty()) {
    for (const std::string_view name : parts(columns)) {
      const auto column = text::column_named(name);
      if (!column) usage_error("--columns: there is no column '" + text::escaped(name) + "'");
      if (options.diff && compare::Canonical::says_nothing(*column)) {
        usage_error("--diff does not compare " + std::string(name) +
                    ", which changes from run to run; leave it out of --columns" +
                    (is_time(*column) ? " (--tolerate-time compares times)" : ""));
      }
      options.columns.push_back(*column);
    }
  }
  options.summary = summary_options({.by_listener = by_listener, .top = top, .by = by, .rate = rate});
  if (relative) options.time = text::TimeColumn::kRelative;
  if (wall) options.time = text::TimeColumn::kWall;

  if (options.files.empty()) {
    options.files = {"-"};
    options.standard_input_by_default = true;
  }
  if (std::count(options.files.begin(), options.files.end(), "-") > 1) {
    usage_error("standard input can be read only once");
  }
  if (options.force && options.output.empty() && options.junit.empty()) usage_error("--force is for -o and --junit");
  if (options.diff && options.files.size() != 2) usage_error("--diff compares two files: --diff EXPECTED ACTUAL");
  options.anonymize = !anonymize.empty();
  if (options.anonymize && anonymize != kRandomKey) options.key_file = anonymize;
  if (!shift_time.empty()) options.anonymity.shift_time = signed_seconds("--shift-time", shift_time);
  if (options.anonymize && options.rewrite && options.output.empty()) {
    usage_error("--anonymize --format capture needs -o OUT: it is checked before it appears");
  }
  options.max_bytes = byte_size("--max-bytes", max_bytes);
  if (options.follow && (options.files.size() != 1 || options.files.front() == "-")) {
    usage_error("-f needs exactly one FILE (standard input is read as it arrives anyway)");
  }
  return {std::move(options), std::nullopt};
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  try {
    return parse(argc, argv);
  } catch (const ValueError& error) {
    usage_error(error.what());
  }
}

}  // namespace tcpaccept::report
