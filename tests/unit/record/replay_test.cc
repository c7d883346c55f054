// Recordings of real kernels, made again from their raw ring bytes: the same decoder, pump and order must give the
// same capture (testdata/README.md).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "capture/codec.h"
#include "capture/reader.h"
#include "record/known.h"
#include "record/pump.h"
#include "record/raw_log.h"

namespace tcpaccept::record {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> content(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  EXPECT_TRUE(file) << path;
  const std::vector<char> chars{std::istreambuf_iterator<char>{file}, {}};
  const Bytes bytes = std::as_bytes(std::span{chars});
  return {bytes.begin(), bytes.end()};
}

// Everything a capture says, as values. Not its bytes: another version of zstd may pack them otherwise.
struct Content {
  std::optional<capture::Start> start;
  std::vector<capture::Batch> batches;
  std::optional<capture::End> end;
};

Content read(Bytes bytes) {
  Content content;
  capture::Reader reader{capture::read_from(bytes)};
  for (;;) {
    const auto item = reader.next();
    if (std::holds_alternative<capture::EndOfInput>(item)) return content;
    if (const auto* start = std::get_if<const capture::Start*>(&item)) {
      content.start = **start;
    } else if (const auto* batch = std::get_if<const capture::Batch*>(&item)) {
      content.batches.push_back(**batch);
    } else if (const auto* end = std::get_if<const capture::End*>(&item)) {
      content.end = **end;
    } else {
      ADD_FAILURE() << "damage or an unknown frame";
    }
  }
}

std::vector<std::byte> replay(const fs::path& raw, capture::Packing packing) {
  std::vector<std::byte> out;
  const auto append = [&](Bytes frame) { out.insert(out.end(), frame.begin(), frame.end()); };
  capture::Encoder encoder;
  Known known{{}};  // knows what the recorder had looked up
  std::optional<Pump> pump;
  const RawLogVisitor visitor{
      .setup =
          [&](const RawSetup& setup) {
            append(setup.start_frame);
            const Content start = read(setup.start_frame);
            PumpOptions options = setup.pump;
            options.pids = start.start->pids;
            pump.emplace(setup.decoder, options, start.start->clock,
                         [&, packing](const capture::Batch& batch) { append(encoder.encode(batch, packing)); }, &known);
          },
      .round =
          [&](const RawRound& round) {
            for (const KnownProcess& process : round.processes) known.learn(process);
            for (const capture::CgroupPath& cgroup : round.cgroups) known.learn(cgroup);
            for (const Gap& gap : round.gaps) pump->gap(gap);
            pump->begin_round(round.clock);
            for (const std::uint32_t pid : round.ended) pump->ended(pid);
            for (const RawChunk& chunk : round.chunks) pump->records(chunk.cpu, chunk.records);
            pump->end_round(round.counts);
          },
      .finish =
          [&](const RawFinish& finish) {
            pump->finish();
            append(encoder.encode(capture::End{.clock = pump->clock(),
                                               .written = pump->totals().written,
                                               .batches = pump->totals().batches,
                                               .reason = finish.reason}));
          }};
  read_raw_log(content(raw), visitor);
  return out;
}

class Replay : public testing::TestWithParam<const char*> {
 protected:
  fs::path file(const char* extension) const {
    return fs::path{TCPACCEPT_SOURCE_DIR} / "testdata" / GetParam() / (std::string{GetParam()} + extension);
  }
};

TEST_P(Replay, GivesTheRecordedCapture) {
  const Content recorded = read(content(file(".tcpa")));
  ASSERT_TRUE(recorded.start && recorded.end);
  EXPECT_GE(recorded.end->written, 7u);
  for (const capture::Packing packing : {capture::Packing::kPacked, capture::Packing::kPlain}) {
    const Content replayed = read(replay(file(".raw"), packing));
    EXPECT_EQ(replayed.start, recorded.start);
    EXPECT_EQ(replayed.end, recorded.end);
    ASSERT_EQ(replayed.batches.size(), recorded.batches.size());
    for (std::size_t b = 0; b < recorded.batches.size(); ++b) {
      const capture::Batch& one = replayed.batches[b];
      const capture::Batch& other = recorded.batches[b];
      EXPECT_EQ(one.clock, other.clock);
      EXPECT_EQ(one.ledger, other.ledger);
      EXPECT_EQ(one.cgroups, other.cgroups);
      EXPECT_EQ(one.gaps, other.gaps);
      EXPECT_EQ(one.cpu_losses, other.cpu_losses);
      ASSERT_EQ(one.size(), other.size());
      for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one.at(i), other.at(i)) << b << ", " << i;
    }
  }
}

// The promise of capture.md: the stock tool and our schema print a plain capture.
TEST_P(Replay, APlainCaptureIsPrintedByCapnpDecode) {
  const fs::path plain = fs::path{testing::TempDir()} / ("plain-" + std::string{GetParam()} + ".tcpa");
  const std::vector<std::byte> bytes = replay(file(".raw"), capture::Packing::kPlain);
  std::ofstream{plain, std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                               static_cast<std::streamsize>(bytes.size()));
  const std::string command =
      "capnp decode " TCPACCEPT_SOURCE_DIR "/formats/capture.capnp Frame < " + plain.string() + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) text.append(part, got);
  EXPECT_EQ(::pclose(pipe), 0) << text;
  fs::remove(plain);
  const Content recorded = read(content(file(".tcpa")));
  for (const std::string& part_of_it :
       {std::string{"comm = \"sshd\""}, std::string{"comm = \"iperf3\""}, std::string{"sport = 22"},
        std::string{"sport = 5201"}, "host = \"" + recorded.start->host + "\"",
        "time = [" + std::to_string(recorded.batches[0].time[0]), "rport = [" + std::to_string(recorded.batches[0].rport[0])}) {
    EXPECT_NE(text.find(part_of_it), std::string::npos) << part_of_it << " is not in\n" << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Replay, testing::Values("5.10", "6.1", "6.12", "7.2"),
                         [](const auto& kernel) {
                           std::string name = kernel.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return "linux_" + name;
                         });

}  // namespace
}  // namespace tcpaccept::record
