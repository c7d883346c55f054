#include "report/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/error.h"

namespace tcpaccept::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ParsedOptions parse_all(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tcpaccept-report");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}
Options parse(std::vector<const char*> arguments) { return parse_all(std::move(arguments)).options; }

std::string usage_error(std::vector<const char*> arguments) {
  try {
    parse(std::move(arguments));
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Exit::kUsage);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Options, Defaults) {
  const Options options = parse({"a.tcpa"});
  EXPECT_THAT(options.files, ElementsAre("a.tcpa"));
  EXPECT_FALSE(options.standard_input_by_default);
  EXPECT_EQ(options.format, text::Format::kTable);
  EXPECT_EQ(options.time, text::TimeColumn::kNone);
  EXPECT_FALSE(options.info);
  EXPECT_FALSE(options.follow);
  EXPECT_EQ(options.filter.family, 0);
  EXPECT_FALSE(options.filter.since);
}

TEST(Options, NoFileIsStandardInput) {
  EXPECT_THAT(parse({}).files, ElementsAre("-"));
  EXPECT_TRUE(parse({}).standard_input_by_default);
  EXPECT_FALSE(parse({"-"}).standard_input_by_default);
  EXPECT_THAT(parse({"-t", "-", "b"}).files, ElementsAre("-", "b"));
}

TEST(Options, EveryFilter) {
  const Options options =
      parse({"-p", "1", "-p", "2,3", "--comm", "sshd", "--comm", "a\\x1bb", "--port", "22,443", "--rport", "7",
             "--raddr", "10.0.0.0/8,::1", "--saddr", "2001:db8::/32", "-4", "--since", "+1.5", "--until",
             "2026-11-23T08:10:50Z", "x", "y"});
  EXPECT_THAT(options.files, ElementsAre("x", "y"));
  EXPECT_THAT(options.filter.pids, ElementsAre(1u, 2u, 3u));
  EXPECT_THAT(options.filter.comms, ElementsAre("sshd", "a\x1b" "b"));
  EXPECT_THAT(options.filter.ports, ElementsAre(22, 443));
  EXPECT_THAT(options.filter.rports, ElementsAre(7));
  ASSERT_EQ(options.filter.raddrs.size(), 2u);
  EXPECT_EQ(options.filter.raddrs[0].length, 104u);
  EXPECT_EQ(options.filter.raddrs[1].length, 128u);
  EXPECT_EQ(options.filter.saddrs.size(), 1u);
  EXPECT_EQ(options.filter.family, 4);
  EXPECT_EQ(options.filter.since, (TimeBound{true, 1'500'000'000}));
  EXPECT_EQ(options.filter.until, (TimeBound{false, 1'795'421'450'000'000'000}));
}

TEST(Options, FileAfterAnyOption) {
  for (const char* option : {"-p", "--port", "--rport"}) EXPECT_THAT(parse({option, "1", "f"}).files, ElementsAre("f"));
  EXPECT_THAT(parse({"--comm", "c", "f"}).files, ElementsAre("f"));
  EXPECT_THAT(parse({"f", "--comm", "c"}).files, ElementsAre("f"));
  EXPECT_THAT(parse({"--raddr", "::1", "f"}).files, ElementsAre("f"));
  EXPECT_THAT(parse({"--", "-t"}).files, ElementsAre("-t"));
  EXPECT_THAT(parse({"-p1", "--port=22", "f"}).filter.ports, ElementsAre(22));
  EXPECT_THAT(parse({"--port=22,80-82", "f"}).filter.ports, ElementsAre(22, 80, 81, 82));
  EXPECT_EQ(parse({"--rport=0-65535", "f"}).filter.rports.size(), 65536u);
}

TEST(Options, Families) {
  EXPECT_EQ(parse({"-6", "f"}).filter.family, 6);
  EXPECT_EQ(parse({"-46", "f"}).filter.family, 0);
}

TEST(Options, Formats) {
  EXPECT_EQ(parse({"--format", "csv", "f"}).format, text::Format::kCsv);
  EXPECT_EQ(parse({"--format=json", "f"}).format, text::Format::kJson);
  EXPECT_EQ(parse({"--format", "table", "-T", "f"}).time, text::TimeColumn::kWall);
  EXPECT_EQ(parse({"-t", "f"}).time, text::TimeColumn::kRelative);
  EXPECT_TRUE(parse({"--info", "f"}).info);
  EXPECT_TRUE(parse({"-f", "f"}).follow);
}

TEST(Options, Page) {
  EXPECT_TRUE(parse({"--format", "html", "f"}).page);
  EXPECT_EQ(parse({"--format", "html", "f"}).rows, 10'000u);
  EXPECT_EQ(parse({"--format", "html", "--rows", "0", "f"}).rows, 0u);
  EXPECT_EQ(parse({"--format", "html", "--rows", "100000", "--port", "22", "f"}).rows, 100'000u);
  EXPECT_THAT(usage_error({"--format", "html", "--rows", "100001", "f"}), HasSubstr("0 to 100000"));
  EXPECT_THAT(usage_error({"--format", "html", "--rows", "many", "f"}), HasSubstr("'many' is not a number of rows"));
  EXPECT_THAT(usage_error({"--rows", "5", "f"}), HasSubstr("--rows is for --format html"));
  for (const char* other : {"--verify", "--canonical", "--columns=pid"}) {
    EXPECT_THAT(usage_error({"--format", "html", "f", other}),
                testing::AnyOf(HasSubstr("do not go together"), HasSubstr(" is for ")))
        << other;
  }
}

TEST(Options, HelpAndVersion) {
  EXPECT_THAT(parse_all({"-h"}).message.value_or(""), HasSubstr("Usage: tcpaccept-report [OPTIONS] [FILE...]"));
  EXPECT_THAT(parse_all({"--help"}).message.value_or(""), HasSubstr("Exit status:"));
  EXPECT_THAT(parse_all({"--version"}).message.value_or(""), HasSubstr("tcpaccept-report "));
}

TEST(Options, HelpHasOneColumnOfDescriptions) {
  std::istringstream help(parse_all({"--help"}).message.value());
  std::string line;
  while (line != "Options:" && std::getline(help, line)) {
  }
  int options = 0;
  for (; std::getline(help, line) && !line.empty(); ++options) {
    EXPECT_TRUE(line.starts_with("  -") && line.size() > 30 && line[29] == ' ' && line[30] != ' ') << line;
  }
  EXPECT_GT(options, 40);
}

TEST(Options, WrongUsageIsOneLine) {
  EXPECT_THAT(usage_error({"--frobnicate", "f"}), HasSubstr("--frobnicate"));
  EXPECT_THAT(usage_error({"-x", "f"}), HasSubstr("-x"));
  EXPECT_THAT(usage_error({"-p"}), HasSubstr("-p"));
  EXPECT_THAT(usage_error({"-p", "abc", "f"}), HasSubstr("-p: 'abc' is not a process id"));
  EXPECT_THAT(usage_error({"-p", "", "f"}), HasSubstr("is not a process id"));
  EXPECT_THAT(usage_error({"-p", "1,,2", "f"}), HasSubstr("'' is not a process id"));
  EXPECT_THAT(usage_error({"-p", "4294967296", "f"}), HasSubstr("is not a process id"));
  EXPECT_THAT(usage_error({"--port", "65536", "f"}), HasSubstr("'65536' is not a port"));
  EXPECT_THAT(usage_error({"--port", "1-65536", "f"}), HasSubstr("'1-65536' is not a port"));
  EXPECT_THAT(usage_error({"--port", "9-8", "f"}), HasSubstr("runs backwards"));
  for (const char* option : {"--since", "--until", "--wait-over", "--columns"}) {
    EXPECT_THAT(usage_error({option, "", "f"}), HasSubstr("its value is empty")) << option;
  }
  for (const char* other : {"--port=22", "--format=csv", "-t", "--columns=pid"}) {
    EXPECT_THAT(usage_error({"--info", "f", other}), HasSubstr("--info ")) << other;
  }
  EXPECT_THAT(usage_error({"--port", "-1", "f"}), HasSubstr("port"));
  EXPECT_THAT(usage_error({"--rport", "0x16", "f"}), HasSubstr("'0x16' is not a port"));
  EXPECT_THAT(usage_error({"--raddr", "10.0.0.0/33", "f"}), HasSubstr("--raddr: '10.0.0.0/33'"));
  EXPECT_THAT(usage_error({"--saddr", "host", "f"}), HasSubstr("--saddr: 'host'"));
  EXPECT_THAT(usage_error({"--comm", "systemd-resolved", "f"}), HasSubstr("'systemd-resolve'"));
  EXPECT_THAT(usage_error({"--comm", "a\\n", "f"}), HasSubstr("\\xHH"));
  EXPECT_THAT(usage_error({"--since", "08:10:50", "f"}), HasSubstr("--since: '08:10:50'"));
  EXPECT_THAT(usage_error({"--until", "+x", "f"}), HasSubstr("--until"));
  EXPECT_THAT(usage_error({"--format", "xml", "f"}), HasSubstr("'xml' is none of"));
  EXPECT_THAT(usage_error({"-t", "-T", "f"}), HasSubstr("-t excludes -T"));
  EXPECT_THAT(usage_error({"-t", "--format", "csv", "f"}), HasSubstr("-t is for --canonical, --format table"));
  EXPECT_THAT(usage_error({"-f"}), HasSubstr("exactly one FILE"));
  EXPECT_THAT(usage_error({"-f", "a", "b"}), HasSubstr("exactly one FILE"));
  EXPECT_THAT(usage_error({"-f", "--info", "a"}), HasSubstr("--info does not take --follow"));
  EXPECT_THAT(usage_error({"-", "-"}), HasSubstr("only once"));
  EXPECT_THAT(usage_error({"--port", "a\x1b\n", "f"}), HasSubstr("a\\x1b\\x0a"));
  EXPECT_THAT(usage_error({"--canonical=pids,addrs", "f"}), HasSubstr("'addrs' is none of"));
  EXPECT_THAT(usage_error({"--canonical", "-T", "f"}), HasSubstr("--canonical does not take -T"));
  EXPECT_THAT(usage_error({"--tie", "1s", "f"}), HasSubstr("--tie is for --diff, --canonical"));
  EXPECT_THAT(usage_error({"--diff", "a"}), HasSubstr("compares two files"));
  EXPECT_THAT(usage_error({"--diff", "a", "b", "--format", "csv"}), HasSubstr("--diff and --format csv do not go together"));
  EXPECT_THAT(usage_error({"--diff", "a", "b", "--tolerate-count", "x%"}), HasSubstr("'x' is not a number"));
  EXPECT_THAT(usage_error({"--diff", "a", "b", "--tolerate-count", "2,5%"}), HasSubstr("one whole number"));
  EXPECT_THAT(usage_error({"--sequence", "a"}), HasSubstr("--sequence is for --diff"));
  EXPECT_THAT(usage_error({"--junit", "x", "a"}), HasSubstr("--junit is for --diff, --expect"));
  EXPECT_THAT(usage_error({"--expect", "x", "--diff", "a", "b"}), HasSubstr("--diff does not take --expect"));
  EXPECT_THAT(usage_error({"--output-version", "2", "a"}), HasSubstr("version 1 only"));
  for (const char* column : {"time", "time_ns", "wall_time", "cpu", "wait_us", "ahead", "rtt_us", "left"}) {
    const std::string columns = std::string("comm,") + column;
    EXPECT_THAT(usage_error({"--diff", "a", "b", "--columns", columns.c_str()}),
                HasSubstr(std::string("--diff does not compare ") + column + ", which changes from run to run"));
    EXPECT_EQ(parse({"--columns", columns.c_str(), "a"}).columns.size(), 2u);
  }
}

TEST(Options, WhatIsComparedAndHow) {
  const Options canonical = parse({"--canonical=addresses,ports", "--tie", "1.5ms", "f"});
  EXPECT_TRUE(canonical.canonical && canonical.canonical_rules.addresses && canonical.canonical_rules.local_ports);
  EXPECT_EQ(canonical.canonical_rules.tie, 1'500'000u);
  for (const auto& [text, seconds] : {std::pair{"1h", 3600u}, {"1.5m", 90u}, {"2d", 172'800u}, {"5s", 5u}}) {
    const std::int64_t length = std::int64_t{seconds} * 1'000'000'000;
    EXPECT_EQ(parse({"--canonical", "--tie", text, "f"}).canonical_rules.tie, length) << text;
    EXPECT_EQ(parse({"--rate", text, "f"}).summary->interval, length) << text;
  }
  EXPECT_THAT(usage_error({"--canonical", "--tie", "5x", "f"}), HasSubstr("--tie: '5x' is not a time with its unit"));
  EXPECT_EQ(parse({"--canonical", "f"}).files, std::vector<std::string>{"f"});
  const Options diff = parse({"--diff", "--sequence", "--tolerate-count", "5%", "--tolerate-time", "1s", "a", "b"});
  EXPECT_EQ(diff.tolerance.percent, 5);
  EXPECT_EQ(diff.tolerance.time, 1'000'000'000u);
  EXPECT_EQ(parse({"--diff", "--tolerate-count", "5", "a", "b"}).tolerance.count, 5u);
  // A binary fraction slightly below the decimal one that was written is not cut.
  EXPECT_EQ(parse({"--diff", "--tolerate-time", "32.3ms", "a", "b"}).tolerance.time, 32'300'000u);
}

TEST(Options, Anonymize) {
  const Options none = parse({"a"});
  EXPECT_FALSE(none.anonymize);
  // Without its own sign the next word is a FILE.
  const Options random = parse({"--anonymize", "a"});
  EXPECT_TRUE(random.anonymize);
  EXPECT_EQ(random.key_file, "");
  EXPECT_THAT(random.files, ElementsAre("a"));
  const Options all = parse({"--anonymize=my.key", "--keep-private", "--keep-comm", "--map-ports", "--shift-time=-1.5", "a"});
  EXPECT_EQ(all.key_file, "my.key");
  EXPECT_TRUE(all.anonymity.keep_private && all.anonymity.keep_comm && all.anonymity.map_ports);
  EXPECT_EQ(all.anonymity.shift_time, -1'500'000'000);
  for (const char* shift : {"--shift-time=99999999999", "--shift-time=-1000000000.5"}) {
    EXPECT_THAT(usage_error({"--anonymize", shift, "a"}),
                HasSubstr("is too large; at most 31 years, 999999999 seconds"));
  }
  EXPECT_THAT(usage_error({"--anonymize", "--shift-time=9999999999s", "a"}), HasSubstr("is not a number of seconds"));
  EXPECT_EQ(parse({"--anonymize", "--shift-time", "3600", "a"}).anonymity.shift_time, 3'600'000'000'000);
  EXPECT_THAT(usage_error({"--keep-comm", "a"}), HasSubstr("--keep-comm requires --anonymize"));
  EXPECT_THAT(usage_error({"--anonymize=", "a"}), HasSubstr("empty"));
  EXPECT_THAT(usage_error({"--anonymize", "--info", "a"}), HasSubstr("--info does not take --anonymize"));
  EXPECT_THAT(usage_error({"--anonymize", "--format", "html", "a"}), HasSubstr("--anonymize is for "));
  EXPECT_THAT(usage_error({"--anonymize", "--shift-time", "an hour", "a"}), HasSubstr("is not a number of seconds"));
  EXPECT_THAT(usage_error({"--anonymize", "--format", "capture", "a"}), HasSubstr("needs -o OUT"));
}

TEST(Options, Around) {
  const auto window = [](const char* text) {
    const FilterSpec filter = parse({"--around", text, "a"}).filter;
    return std::pair{*filter.since, *filter.until};
  };
  EXPECT_EQ(window("+20"), (std::pair{TimeBound{true, 10'000'000'000}, TimeBound{true, 30'000'000'000}}));
  EXPECT_EQ(window("+1+-2"), (std::pair{TimeBound{true, -1'000'000'000}, TimeBound{true, 3'000'000'000}}));
  EXPECT_EQ(window("+1~0.5"), (std::pair{TimeBound{true, 500'000'000}, TimeBound{true, 1'500'000'000}}));
  EXPECT_EQ(window("+1\xc2\xb1" "0.5"), window("+1~0.5"));
  const TimeBound wall = *parse({"--since", "2026-11-23T08:10:50-01:00", "a"}).filter.since;
  EXPECT_EQ(window("2026-11-23T08:10:50-01:00+-3").first, (TimeBound{false, wall.nanoseconds - 3'000'000'000}));
  EXPECT_THAT(usage_error({"--around", "+1+-x", "a"}), HasSubstr("no number of seconds follows"));
  EXPECT_THAT(usage_error({"--around", "+-5", "a"}), HasSubstr("names no time"));
  EXPECT_THAT(usage_error({"--around", "noon", "a"}), HasSubstr("is neither"));
  EXPECT_THAT(usage_error({"--around", "+1", "--since", "+1", "a"}), HasSubstr("excludes"));
}

TEST(Options, MaxBytes) {
  const auto most = [](const char* text) { return parse({"--format", "capture", "-o", "x", "--max-bytes", text, "a"}).max_bytes; };
  EXPECT_EQ(most("1000"), 1000u);
  EXPECT_EQ(most("64k"), 65536u);
  EXPECT_EQ(most("10M"), 10u << 20);
  EXPECT_EQ(most("2g"), std::uint64_t{2} << 30);
  for (const char* const text : {"k", "1x", "-1", "1.5m", "99999999999999999999"}) {
    EXPECT_THAT(usage_error({"--format", "capture", "-o", "x", "--max-bytes", text, "a"}), HasSubstr("is not a size")) << text;
  }
  EXPECT_THAT(usage_error({"--max-bytes", "1m", "-o", "x", "a"}), HasSubstr("--max-bytes is for --format capture"));
  EXPECT_THAT(usage_error({"--format", "capture", "--max-bytes", "1m", "a"}), HasSubstr("--max-bytes requires --output"));
}

}  // namespace
}  // namespace tcpaccept::report
