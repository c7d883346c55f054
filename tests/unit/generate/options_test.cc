#include "generate/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace tcpaccept::generate {
namespace {

ParsedOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tcpaccept-generate");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

std::string error(const std::vector<const char*>& arguments) {
  try {
    parse(arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Exit::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(GenerateOptions, HaveDefaults) {
  const Options options = parse({"-o", "x"}).options;
  EXPECT_EQ(options.output, "x");
  EXPECT_EQ(options.plan.accepts, 100'000u);
  EXPECT_DOUBLE_EQ(options.plan.workload.mean_gap_ns, 50'000);
  EXPECT_EQ(options.plan.workload.listeners, 12u);
  EXPECT_TRUE(options.plan.workload.metrics);
}

TEST(GenerateOptions, AreTaken) {
  const Plan plan = parse({"-o", "-", "-d", "10", "--rate", "100", "--listeners", "3", "--addresses", "9", "--ipv6", "0.5",
                           "--seed", "7", "--losses", "2", "--gaps", "1", "--bare", "--plain"}).options.plan;
  EXPECT_EQ(plan.duration, 10'000'000'000u);
  EXPECT_DOUBLE_EQ(plan.workload.mean_gap_ns, 1e7);
  EXPECT_EQ(plan.workload.listeners, 3u);
  EXPECT_EQ(plan.workload.remote_addresses, 9u);
  EXPECT_DOUBLE_EQ(plan.workload.ipv6_share, 0.5);
  EXPECT_EQ(plan.workload.seed, 7u);
  EXPECT_EQ(plan.losses, 2u);
  EXPECT_EQ(plan.gaps, 1u);
  EXPECT_FALSE(plan.workload.metrics);
  EXPECT_EQ(plan.packing, capture::Packing::kPlain);
}

TEST(GenerateOptions, WrongOnesAreRefused) {
  EXPECT_THAT(error({}), ::testing::HasSubstr("give -o OUT"));
  EXPECT_THAT(error({"-o", "x", "-c", "1", "-d", "1"}), ::testing::HasSubstr("exclude each other"));
  EXPECT_THAT(error({"-o", "x", "-c", "5", "--losses", "4", "--gaps", "2"}), ::testing::HasSubstr("6 holes need as many accepts"));
  EXPECT_THAT(error({"-o", "x", "-d", "2", "--rate", "2", "--gaps", "5"}),
              ::testing::HasSubstr("5 holes need as many accepts"));
  EXPECT_THAT(error({"-o", "x", "--ipv6", "1.5"}), ::testing::HasSubstr("--ipv6: '1.5' is not a number from 0 to 1"));
  for (const auto& [option, value] : {std::pair{"-c", "-1"}, std::pair{"-c", "1x"}, std::pair{"--rate", "0"},
                                      std::pair{"--rate", "nan"}, std::pair{"--listeners", "0"},
                                      std::pair{"--addresses", "99999999"}, std::pair{"--losses", "10001"},
                                      std::pair{"-d", "1e9"}, std::pair{"--seed", "4294967296"}}) {
    const std::string text = error({"-o", "x", option, value});
    EXPECT_TRUE(text.starts_with("--") || text.starts_with("-c") || text.starts_with("-d")) << option << value << text;
  }
}

TEST(GenerateOptions, HelpIsAMessage) {
  EXPECT_THAT(parse({"--help"}).message.value(), ::testing::HasSubstr("--losses"));
  EXPECT_EQ(parse({"--version"}).message.value(), "tcpaccept-generate " TCPACCEPT_VERSION "\n");
}

}  // namespace
}  // namespace tcpaccept::generate
