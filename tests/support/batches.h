// Batches of made-up accepts for tests and benchmarks.
#pragma once

#include "capture/batch_builder.h"
#include "capture/model.h"
#include "generate/accept_source.h"

namespace tcpaccept::test {

using generate::AcceptSource;
using generate::Workload;

inline capture::Batch make_batch(AcceptSource& source, std::size_t events) {
  capture::BatchBuilder builder;
  for (std::size_t i = 0; i < events; ++i) builder.add(source.next());
  const capture::ClockAnchor clock{86'400'000'000'000, 1'795'000'000'000'000'000, 86'500'000'000'000};
  const capture::Ledger ledger{.begin = 86'400'000'000'000,
                               .end = 86'401'000'000'000,
                               .hits = events + 5,
                               .misses = 0,
                               .lost = 2,
                               .filtered = 3,
                               .written = events};
  return builder.finish(clock, ledger);
}

inline capture::Start make_start() {
  capture::Start start;
  start.recorder = "tcpaccept-record 0.1.0";
  start.host = "web1";
  start.kernel = "6.1.0-55-cloud-amd64";
  start.kernel_build = "#1 SMP";
  start.machine = "x86_64";
  start.distribution = "Debian GNU/Linux 12 (bookworm)";
  start.boot_id = "01234567-89ab-cdef-0123-456789abcdef";
  start.cpus = 2;
  start.ring_bytes = 1 << 20;
  start.pids = {121, 122};
  start.probe = {.plan = "graft",
                 .symbol = "security_sock_graft",
                 .definitions = {"p:tcpaccept/a security_sock_graft pf=+12($arg1):x64"},
                 .filter = "proto==6",
                 .offsets = "btf",
                 .notes = {"one", "two"},
                 .self_test = {"IPv4: as expected"}};
  start.clock = {1, -2, 3};
  return start;
}

}  // namespace tcpaccept::test
