#include "report/csv_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>


#include <filesystem>

#include "generate/generator.h"
#include "report/report.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kFew = "wall_time,raddr,rport,saddr,sport\r\n";
constexpr const char* kRow = "2026-11-23 08:10:50,10.0.0.1,1234,10.0.0.2,80\r\n";

class FromCsv : public Reports {
 protected:
  // What it prints.
  std::string run(const std::vector<std::string>& arguments) {
    status_ = Reports::run(arguments);
    return output_;
  }

  // CSV of a capture, the CSV read and written again, and the CSV of the capture made of it.
  void expect_round_trip(const std::string& capture) {
    const std::string csv = run({"--format", "csv", capture});
    const std::string file = write("a.csv", csv);
    EXPECT_EQ(run({"--from-csv", "--format", "csv", file}), csv) << capture;
    EXPECT_EQ(status_, Exit::kClean) << capture;
    const std::string again = (folder_ / "again.tcpa").string();
    for (const bool plain : {false, true}) {
      std::vector<std::string> arguments{"--from-csv", "--format", "capture", "--force", "-o", again, file};
      if (plain) arguments.push_back("--plain");
      run(arguments);
      EXPECT_EQ(status_, Exit::kClean) << capture;
      EXPECT_EQ(run({"--format", "csv", again}), csv) << capture;
    }
  }

  Exit status_{};
};

TEST_F(FromCsv, EveryRecordingOfTestdataComesBackToTheByte) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TCPACCEPT_SOURCE_DIR "/testdata")) {
    if (entry.path().extension() != ".tcpa" || entry.path().filename() == "empty.tcpa") continue;
    expect_round_trip(entry.path().string());
    ++files;
  }
  EXPECT_GE(files, 10u);
}

TEST_F(FromCsv, GeneratedCapturesComeBackToTheByte) {
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    std::string bytes;
    generate::Plan plan{.workload = {.seed = seed, .remote_addresses = 500}, .accepts = 40'000, .losses = 2, .gaps = 1};
    generate::Generator(plan, [&](Bytes frame) {
      bytes.append(reinterpret_cast<const char*>(frame.data()), frame.size());
    }).run();
    expect_round_trip(write("generated.tcpa", bytes));
  }
}

// Clocks that differ by a nanosecond from batch to batch, rows that go back in time, paths that come and go.
TEST_F(FromCsv, RandomCapturesComeBackToTheByte) {
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937_64 random(seed);
    std::string bytes = frame(start());
    std::uint64_t written = 0;
    for (int i = 0; i < 6; ++i) {
      capture::Batch batch = random_batch(random, 1 + random() % 300);
      for (Listener& listener : batch.listeners) listener.cgroup = random() % 4;
      if (i % 2 == 0) batch.cgroups = {{1, "/one"}, {3, "/three\x1b" + std::to_string(i)}};
      batch.first_event = written;
      written += batch.size();
      bytes += frame(batch);
    }
    expect_round_trip(write("random.tcpa", bytes + frame(end(written, 6))));
  }
}

TEST_F(FromCsv, WhatCsvDoesNotHoldIsSaid) {
  const std::string csv = write("a.csv", std::string(kFew) + kRow);
  const std::string capture = (folder_ / "a.tcpa").string();
  run({"--from-csv", "--format", "capture", "-o", capture, csv});
  EXPECT_EQ(status_, Exit::kClean);
  const std::string info = run({"--info", capture});
  EXPECT_THAT(info, HasSubstr("recorder       tcpaccept-report 0.1.0 --from-csv"));
  EXPECT_THAT(info, HasSubstr("note           made from CSV, which holds accepts only"));
  run({capture});
  EXPECT_EQ(status_, Exit::kClean);
  run({"--require-complete", capture});
  EXPECT_EQ(status_, Exit::kIncomplete);
  EXPECT_EQ(said_.size(), 2u) << "no self-test, no account";
  run({"--require-complete", "--from-csv", csv});
  EXPECT_EQ(status_, Exit::kIncomplete);
}

TEST_F(FromCsv, ADamagedLineEndsItAndLeavesNoCapture) {
  const std::string csv = write("a.csv", std::string(kFew) + kRow + "2026-11-23 08:10:51,10.0.0.1,99999,10.0.0.2,80\r\n" + kRow);
  const std::string capture = (folder_ / "a.tcpa").string();
  run({"--from-csv", "--format", "capture", "-o", capture, csv});
  EXPECT_EQ(status_, Exit::kFailed);
  EXPECT_THAT(said_, ElementsAre(csv + ": line 3, column 3: rport: '99999' is not a port (0 to 65535)"));
  EXPECT_FALSE(std::filesystem::exists(capture));
}

TEST_F(FromCsv, AHeaderAloneIsACaptureWithoutAccepts) {
  const std::string csv = run({"--from-csv", "--format", "csv", write("a.csv", kFew)});
  EXPECT_THAT(csv, ::testing::StartsWith("time_ns,"));
  EXPECT_EQ(csv.find("\r\n"), csv.size() - 2) << "one line";
  EXPECT_EQ(status_, Exit::kClean);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(FromCsv, FiltersAndMergesAsWithCaptures) {
  const std::string a = write("a.csv", std::string(kFew) + kRow + "2026-11-23 08:10:52,10.0.0.1,2,10.0.0.2,22\n");
  const std::string b = write("b.csv", std::string(kFew) + "2026-11-23 08:10:51,10.0.0.1,3,10.0.0.2,22\n");
  const std::string rows = run({"--from-csv", "--port", "22", "--columns", "rport", "--format", "csv", a, b});
  EXPECT_EQ(rows, "rport\r\n3\r\n2\r\n");
}

TEST_F(FromCsv, TakesNoOptionThatNeedsTheFileOfACapture) {
  for (const char* const option : {"-f", "--verify"}) {
    run({"--from-csv", option, "a.csv"});
    EXPECT_EQ(status_, Exit::kUsage) << option;
  }
}

}  // namespace
}  // namespace tcpaccept::report
