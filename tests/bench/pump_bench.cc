// What the recorder spends on each accept between the ring and the file: samples in, encoded batches out, one core.
// Usage: pump_bench [ACCEPTS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "capture/codec.h"
#include "record/pump.h"
#include "unit/perf/kernel_formats.h"
#include "unit/perf/record_builder.h"

namespace {

using namespace tcpaccept;
using perf::test::ByteBuilder;

// A sample as a 6.1 kernel lays it out.
void append_sample(std::vector<std::byte>& out, std::uint64_t time, std::mt19937& random, unsigned addresses) {
  const auto pid = static_cast<std::uint32_t>(1000 + random() % 12);
  ByteBuilder raw;
  raw.add(perf::test::kKernelFormats[1].id).add(std::uint16_t{0}).add(pid);
  raw.add(std::uint64_t{0xffffffff81000000});
  raw.add(std::uint64_t{__builtin_bswap16(static_cast<std::uint16_t>(32768 + random() % 28000))} | std::uint64_t{2} << 32);
  const std::uint64_t peer = 0x0000000affff0000 | std::uint64_t{random() % addresses} << 40;
  raw.add(std::uint64_t{0}).add(peer).add(std::uint64_t{0}).add(std::uint64_t{0x0100007fffff0000});
  raw.add(__builtin_bswap16(static_cast<std::uint16_t>(8000 + pid))).add(std::uint16_t{6}).add(std::uint32_t{1});
  raw.add(time / 1000 - random() % 200).add(std::uint32_t{800 + static_cast<std::uint32_t>(random() % 500)});
  raw.add(std::uint32_t{0}).add(std::uint32_t{128});
  raw.add(std::uint64_t{1}).add(std::uint32_t{5 << 16 | 96}).add_text(std::string_view{"sshd\0", 5});
  const auto sample = perf::test::sample({.pid = pid, .tid = pid, .time = time, .cpu = 0}, raw.bytes());
  out.insert(out.end(), sample.begin(), sample.end());
}

void measure(unsigned addresses, std::size_t accepts) {
  constexpr std::size_t kRound = 5000;
  constexpr std::uint64_t kGap = 50'000;
  std::mt19937 random{1};
  std::vector<std::vector<std::byte>> rounds;
  std::uint64_t time = 1'000'000'000;
  for (std::size_t made = 0; made < accepts; made += kRound) {
    rounds.emplace_back();
    for (std::size_t i = 0; i < kRound; ++i) append_sample(rounds.back(), time += kGap, random, addresses);
  }
  capture::Encoder encoder;
  std::size_t bytes = 0;
  std::uint64_t written = 0;
  record::Pump pump{{.layout = {},
                     .formats = {std::string{perf::test::kKernelFormats[1].text}},
                     .probe_address = 0},
                    {.reopen = true},
                    {1'000'000'000, 0, 0},
                    [&](const capture::Batch& batch) {
                      bytes += encoder.encode(batch, capture::Packing::kPacked).size();
                      if (batch.open == 0) written += batch.size();
                    }};
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t now = 1'000'000'000;
  std::uint64_t hits = 0;
  for (const auto& records : rounds) {
    now += kRound * kGap;
    pump.begin_round({now, 0, 0});
    pump.records(0, records);
    pump.end_round({.hits = hits += kRound});
  }
  pump.finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%5u addresses: %6.1f ns/accept, %.2f bytes/accept%s\n", addresses,
              seconds * 1e9 / static_cast<double>(hits), static_cast<double>(bytes) / static_cast<double>(hits),
              written == hits ? "" : "  WRONG: accepts are missing");
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t accepts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  for (const unsigned addresses : {8u, 4683u}) measure(addresses, accepts);
}
