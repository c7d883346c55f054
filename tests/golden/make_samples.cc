// make-samples TESTDATA: makes the captures in testdata/damaged and testdata/hostile from the recorded ones.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "capture/batch_builder.h"
#include "capture/codec.h"
#include "capture/format.h"

namespace {

using namespace tcpaccept;
namespace fs = std::filesystem;
using Content = std::vector<std::byte>;

Content load_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  const std::vector<char> chars{std::istreambuf_iterator<char>{file}, {}};
  const Bytes bytes = std::as_bytes(std::span{chars});
  return {bytes.begin(), bytes.end()};
}

void store_file(const fs::path& path, Bytes content) {
  std::ofstream{path, std::ios::binary | std::ios::trunc}.write(reinterpret_cast<const char*>(content.data()),
                                                               static_cast<std::streamsize>(content.size()));
}

// Where each frame of a sound capture begins, and its end.
std::vector<std::size_t> frame_bounds(const Content& content) {
  std::vector<std::size_t> bounds{0};
  while (bounds.back() < content.size()) {
    const auto length = capture::frame_length(Bytes{content}.subspan(bounds.back()));
    if (!length) break;
    bounds.push_back(bounds.back() + *length);
  }
  return bounds;
}

Accept example(std::uint64_t time, std::string_view comm) {
  Accept accept;
  accept.time = time;
  accept.listener.pid = 1463;
  accept.listener.comm = Comm::from(comm);
  accept.listener.saddr = parse_address("192.168.60.170").value();
  accept.listener.sport = 22;
  accept.listener.family = 2;
  accept.listener.protocol = kProtocolTcp;
  accept.raddr = parse_address("192.168.60.1").value();
  accept.rport = 65339;
  accept.tid = 1463;
  return accept;
}

constexpr capture::ClockAnchor kClock{10'000'000'000, 1'795'422'650'000'000'000, 10'000'000'000};

Content session(const std::vector<Accept>& accepts, const capture::Ledger& ledger) {
  capture::Encoder encoder;
  Content content;
  const auto append = [&](Bytes frame) { content.insert(content.end(), frame.begin(), frame.end()); };
  capture::Start start;
  start.recorder = "make-samples";
  start.host = "example\x1b[31m";
  start.kernel = "6.1.0\nforged line";
  start.clock = kClock;
  append(encoder.encode(start));
  capture::BatchBuilder builder;
  for (const Accept& accept : accepts) builder.add(accept);
  append(encoder.encode(builder.finish(kClock, ledger), capture::Packing::kPlain));
  append(encoder.encode(capture::End{.clock = kClock, .written = accepts.size(), .batches = 1, .reason = "count"}));
  return content;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: make-samples TESTDATA\n"), 2;
  const fs::path testdata{argv[1]};
  fs::create_directories(testdata / "damaged");
  fs::create_directories(testdata / "hostile");
  const Content sound = load_file(testdata / "6.1" / "6.1.tcpa");
  const auto bounds = frame_bounds(sound);
  if (bounds.size() < 4) return std::fprintf(stderr, "make-samples: 6.1.tcpa is not sound\n"), 1;

  // Cut in the middle of its last batch; one bit flipped in its first; and without its end.
  const std::size_t last_batch = bounds[bounds.size() - 3];
  store_file(testdata / "damaged/cut.tcpa", Bytes{sound}.first(last_batch + 100));
  Content flipped = sound;
  flipped[bounds[1] + 70] ^= std::byte{4};
  store_file(testdata / "damaged/flipped.tcpa", flipped);
  store_file(testdata / "damaged/unended.tcpa", Bytes{sound}.first(bounds[bounds.size() - 2]));
  store_file(testdata / "damaged/empty.tcpa", {});

  const std::uint64_t second = 1'000'000'000;
  const std::vector<Accept> two{example(9 * second, "sshd"), example(9 * second + 2, "sshd")};
  store_file(testdata / "damaged/lost.tcpa",
             session(two, {.begin = 8 * second, .end = 10 * second, .hits = 44, .misses = 3, .lost = 42, .written = 2}));

  std::vector<Accept> hostile;
  std::uint64_t time = 9 * second;
  for (const std::string_view comm : {"\x1b]0;owned\x07", "a\nb c d e f g", "\"quoted\",", "=1+1", "+1", "-1", "@x", "\xc3\xa4\xff",
                                      "\xe2\x80\xaertl", "back\\slash", "", "\t\r", "fifteen-letters"}) {
    hostile.push_back(example(time += 1000, comm));
  }
  const auto count = static_cast<std::uint64_t>(hostile.size());
  store_file(testdata / "hostile/hostile.tcpa",
             session(hostile, {.begin = 8 * second, .end = 10 * second, .hits = count, .written = count}));
  return 0;
}
