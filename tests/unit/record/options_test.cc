#include "record/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tcpaccept::record {
namespace {

CommandLine<RecordOptions> record(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tcpaccept-record");
  return parse_record(static_cast<int>(arguments.size()), arguments.data());
}
CommandLine<LiveOptions> live(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tcpaccept");
  return parse_live(static_cast<int>(arguments.size()), arguments.data());
}

TEST(RecordOptions, DefaultsAreToRecordEverythingUntilASignal) {
  const auto line = record({});
  ASSERT_TRUE(line.run);
  EXPECT_EQ(line.options.output, "");
  EXPECT_TRUE(line.options.pids.empty());
  EXPECT_EQ(line.options.duration, 0);
  EXPECT_EQ(line.options.count, 0u);
  EXPECT_FALSE(line.options.force || line.options.plain || line.options.quiet || line.options.verbose);
}

TEST(RecordOptions, AreTaken) {
  const auto line = record({"-o", "x.tcpa", "--force", "--plain", "-p", "12", "-p", "34", "-d", "1.5", "-c", "100", "--ring-size",
                            "64k", "-v", "--plan", "graft", "--raw", "x.raw"});
  ASSERT_TRUE(line.run) << line.text;
  EXPECT_EQ(line.options.output, "x.tcpa");
  EXPECT_TRUE(line.options.force && line.options.plain && line.options.verbose);
  EXPECT_EQ(line.options.pids, (std::vector<std::uint32_t>{12, 34}));
  EXPECT_EQ(line.options.duration, 1.5);
  EXPECT_EQ(line.options.count, 100u);
  EXPECT_EQ(line.options.ring_bytes, 65536u);
  EXPECT_EQ(line.options.plan, "graft");
  EXPECT_EQ(line.options.raw, "x.raw");
}

TEST(RecordOptions, MistakesAreUsageErrorsOfOneLine) {
  const std::vector<std::vector<const char*>> wrong = {
      {"-p", "0"},       {"-p", "-1"},        {"-p", "x"},     {"-p", "99999999"},         {"-p", "1e3"},
      {"-d", "0"},       {"-d", "nan"},       {"-d", "-5"},    {"-d", "5x"},               {"-c", "0"},
      {"-c", "1.5"},     {"--ring-size", "1"}, {"--ring-size", "64q"}, {"--ring-size", "99999m"}, {"--plan", "magic"},
      {"--no-such"},     {"-o"},              {"-q", "-v"},    {"stray"},                  {"--raw"},
      {"-o", ""},        {"-d", ""},         {"-c", ""},      {"--ring-size", ""},        {"--raw", ""},
      {"-p", "1\n\x1b[31m"}, {"--no\nsuch"}};
  for (const auto& arguments : wrong) {
    const auto line = record(arguments);
    EXPECT_FALSE(line.run) << arguments[0];
    EXPECT_EQ(line.status, Exit::kUsage) << arguments[0];
    EXPECT_EQ(std::count(line.text.begin(), line.text.end(), '\n'), 1) << line.text;
    EXPECT_EQ(line.text.find("tcpaccept-record: "), 0u) << line.text;
  }
}

TEST(RecordOptions, HelpNamesEveryOptionAndExitStatus) {
  const auto line = record({"--help"});
  EXPECT_FALSE(line.run);
  EXPECT_EQ(line.status, Exit::kClean);
  for (const char* word : {"-o", "--force", "--plain", "-p", "-d", "-c", "--ring-size", "-q", "-v", "--plan", "--raw", "Exit status"}) {
    EXPECT_NE(line.text.find(word), std::string::npos) << word;
  }
  EXPECT_EQ(record({"--version"}).text, "tcpaccept-record " TCPACCEPT_VERSION "\n");
}

TEST(LiveOptions, HelpIsTheSeeds) {
  const auto line = live({"-h"});
  EXPECT_FALSE(line.run);
  EXPECT_EQ(line.status, Exit::kClean);
  EXPECT_EQ(line.text, R"(usage: tcpaccept [-h] [-t] [-p PID]

Trace TCP accepts

optional arguments:
  -h    show this help message and exit
  -t    include timestamp on output
  -p    trace this PID only

examples:
    ./tcpaccept           # trace all TCP accept()s
    ./tcpaccept -t        # include timestamps
    ./tcpaccept -p 121    # only trace PID 121
)");
}

TEST(LiveOptions, AreTaken) {
  EXPECT_FALSE(live({}).options.timestamps);
  EXPECT_FALSE(live({}).options.pid);
  const auto line = live({"-t", "-p", "121"});
  ASSERT_TRUE(line.run);
  EXPECT_TRUE(line.options.timestamps);
  EXPECT_EQ(line.options.pid, 121u);
}

TEST(LiveOptions, MistakesShowTheUsageAndTheReason) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"-x"}, {"-p"}, {"-p", "abc"}, {"-p", "0"}, {"7"}}) {
    const auto line = live(arguments);
    EXPECT_FALSE(line.run);
    EXPECT_EQ(line.status, Exit::kUsage);
    EXPECT_EQ(line.text.find("usage: tcpaccept [-h] [-t] [-p PID]\ntcpaccept: "), 0u) << line.text;
  }
}

TEST(ParseSize, TakesBytesKibAndMib) {
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("64k"), 65536u);
  EXPECT_EQ(parse_size("2M"), 2097152u);
  for (const char* text : {"", "k", "1g", "1kk", "-1", "1.5m", "99999999999999999999", "18446744073709551615m"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

}  // namespace
}  // namespace tcpaccept::record
