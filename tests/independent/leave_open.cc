// leave_open FILE FLUSHES [packed|plain]: what a recorder leaves that is killed after so many flushes, its last batch open.
//
// Every field takes every kind of value: recorded and not, hostile names and paths, wall clocks that drift from flush to
// flush, an accept that comes late.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "capture/batch_builder.h"
#include "record/capture_writer.h"
#include "support/batches.h"

namespace {

using namespace tcpaccept;

constexpr std::uint64_t kSecond = 1'000'000'000;

// One accept in four has what the source leaves out.
void vary(Accept& accept, std::mt19937& random) {
  if (random() % 4 != 0) return;
  accept.left = static_cast<std::uint32_t>(random() % 9);
  accept.listener.nspid = static_cast<std::uint32_t>(1 + random() % 3);
  accept.listener.comm = Comm::from(random() % 2 == 0 ? "=a \"b\",\\\x80" : "");
  accept.listener.protocol = random() % 2 == 0 ? kProtocolMptcp : 0;
  accept.listener.in_kernel = random() % 2 == 0;
  accept.listener.backlog = random() % 2 == 0 ? kNotRecorded32 : 0;
  if (random() % 2 == 0) {
    accept.listener.pid = accept.listener.netns = 0;
    accept.listener.cgroup = 0;
    accept.tid = 0;
    accept.cpu = kNotRecorded16;
    accept.wait_us = kNotRecorded64;
    accept.ahead = accept.rtt_us = kNotRecorded32;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: leave_open FILE FLUSHES [packed|plain]\n"), 2;
  const unsigned flushes = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
  const auto packing = argc > 3 && std::strcmp(argv[3], "plain") == 0 ? capture::Packing::kPlain : capture::Packing::kPacked;

  std::mt19937 random{flushes};
  record::Interrupts interrupts;
  record::OutputFile file{argv[1], true, interrupts};
  record::CaptureWriter writer{file, packing};
  writer.start(test::make_start());
  file.keep();
  test::AcceptSource source{{.seed = flushes}};
  capture::BatchBuilder builder;
  std::uint64_t accepts = 0, told = 0;
  std::uint64_t begin = 0, now = 0;
  std::uint32_t open = 0;
  for (unsigned flush = 1; flush <= flushes; ++flush) {
    for (std::size_t more = 1 + random() % (random() % 3 == 0 ? 300 : 4); more != 0; --more, ++accepts) {
      Accept accept = source.next();
      vary(accept, random);
      now = std::max(now, accept.time);
      if (open == 0 && random() % 8 == 0) accept.time -= kSecond / 1000;  // but none comes before one handed out
      builder.add(accept);
    }
    // Frequency steering: the wall clock gains 100 ns a flush.
    const std::uint64_t wall = 1'795'000'000 * kSecond + now + 100 * flush;
    const capture::Ledger ledger{.begin = begin, .end = now, .hits = accepts - told, .written = accepts - told};
    capture::Batch& batch = builder.finish({now, static_cast<std::int64_t>(wall), now}, ledger);
    batch.cgroups = {{5001, "/system.slice/a,b.service"}, {5002, "/\xff\"\\"}, {5003, ""}};
    batch.first_event = told;
    const bool final = flush % 13 == 0;
    batch.open = final ? 0 : ++open;
    writer.batch(batch);
    if (!final) continue;
    told = accepts;
    begin = now;
    open = 0;
    builder.clear();
  }
  ::_exit(0);  // no goodbye
}
