// make_capture FILE ACCEPTS [REMOTE-ADDRESSES [packed|plain]]: a made-up capture for benchmarks.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "capture/codec.h"
#include "support/batches.h"

int main(int argc, char** argv) {
  using namespace tcpaccept;
  if (argc < 3) return std::fprintf(stderr, "usage: make_capture FILE ACCEPTS [REMOTE-ADDRESSES [packed|plain]]\n"), 2;
  const std::size_t accepts = std::strtoull(argv[2], nullptr, 10);
  test::AcceptSource source{{.remote_addresses = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 8}};
  const auto packing = argc > 4 && std::strcmp(argv[4], "plain") == 0 ? capture::Packing::kPlain : capture::Packing::kPacked;

  std::ofstream file{argv[1], std::ios::binary | std::ios::trunc};
  const auto append = [&](Bytes frame) {
    file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  };
  capture::Encoder encoder;
  append(encoder.encode(test::make_start()));
  std::uint64_t batches = 0;
  for (std::size_t made = 0; made < accepts; made += capture::kDefaultBatchEvents, ++batches) {
    const std::size_t size = std::min(capture::kDefaultBatchEvents, accepts - made);
    capture::Batch batch = test::make_batch(source, size);
    batch.ledger = capture::Ledger{.begin = batch.time.front(), .end = batch.time.back(), .hits = size, .written = size};
    append(encoder.encode(batch, packing));
  }
  append(encoder.encode(capture::End{.clock = {}, .written = accepts, .batches = batches, .reason = "count"}));
  return file ? 0 : 1;
}
