// formats/capture.md is checked against the code: its hexdumps are what the encoder writes, and what they are said
// to mean is what the reader gives.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <sstream>

#include "capture/codec.h"
#include "capture/reader.h"
#include "core/byte_cursor.h"

namespace tcpaccept::capture {
namespace {

// The first row of the seed's example, as capture.md presents it.
Batch example_batch() {
  Batch batch;
  Listener sshd;
  sshd.pid = 1463;
  sshd.comm = Comm::from("sshd");
  sshd.saddr = parse_address("192.168.60.170").value();
  sshd.sport = 22;
  sshd.family = 2;
  sshd.protocol = kProtocolTcp;
  sshd.netns = 4026531840;
  sshd.backlog = 128;
  batch.listeners = {sshd};
  batch.peers = {parse_address("192.168.60.1").value()};
  batch.time = {5'000'000'000};
  batch.listener = {0};
  batch.peer = {0};
  batch.rport = {65339};
  batch.tid = {1463};
  batch.cpu = {1};
  batch.wait_us = {85};
  batch.ahead = {0};
  batch.rtt_us = {210};
  batch.left = {kNotRecorded32};
  batch.clock = {5'100'000'000, 1'795'422'650'000'000'000, 5'100'000'000};
  batch.ledger = Ledger{.begin = 4'100'000'000, .end = 5'100'000'000, .hits = 1, .written = 1};
  return batch;
}

std::string hexdump(Bytes bytes) {
  std::string text;
  char part[24];
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    std::snprintf(part, sizeof part, "%04zx ", at);
    text += part;
    for (std::size_t i = at; i < std::min(at + 16, bytes.size()); ++i) {
      std::snprintf(part, sizeof part, "%s%02x", i % 8 == 0 && i != at ? "  " : " ", std::to_integer<unsigned>(bytes[i]));
      text += part;
    }
    text += '\n';
  }
  return text;
}

// The fenced block that follows the line `marker`.
std::string block_after(const std::string& marker) {
  std::ifstream file{TCPACCEPT_SOURCE_DIR "/formats/capture.md"};
  std::string line;
  while (std::getline(file, line) && line != marker) {
  }
  while (std::getline(file, line) && line != "```") {
  }
  std::string block;
  while (std::getline(file, line) && line != "```") block += line + "\n";
  return block;
}

std::vector<std::byte> bytes_of(const std::string& dump) {
  std::vector<std::byte> bytes;
  std::istringstream lines{dump};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line.substr(4)};
    for (std::string word; words >> word;) bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

TEST(Spec, ItsHexdumpsAreWhatTheEncoderWrites) {
  Encoder encoder;
  EXPECT_EQ(block_after("Example: a packed batch"), hexdump(encoder.encode(example_batch(), Packing::kPacked)));
  const End end{.clock = {6'000'000'000, 1'795'422'650'900'000'000, 6'000'000'000},
                .written = 1,
                .batches = 1,
                .reason = "signal SIGINT"};
  EXPECT_EQ(block_after("Example: an end"), hexdump(encoder.encode(end)));
}

TEST(Spec, ItsHexdumpsReadBack) {
  std::vector<std::byte> bytes = bytes_of(block_after("Example: a packed batch"));
  const std::vector<std::byte> end = bytes_of(block_after("Example: an end"));
  bytes.insert(bytes.end(), end.begin(), end.end());
  Reader reader{read_from(Bytes{bytes})};
  auto item = reader.next();
  ASSERT_TRUE(std::holds_alternative<const Batch*>(item));
  EXPECT_EQ(*std::get<const Batch*>(item), example_batch());
  item = reader.next();
  ASSERT_TRUE(std::holds_alternative<const End*>(item));
  EXPECT_EQ(std::get<const End*>(item)->reason, "signal SIGINT");
}

}  // namespace
}  // namespace tcpaccept::capture
