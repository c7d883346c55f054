// Rows per second of the row writers and events per second of the filter, on one core and a batch in memory.
//
// Workloads: batches of 16,384 accepts on 12 listeners, 20 % IPv6, from 8 and from 4,700 remote addresses; 32
// different batches take turns, or the branch predictor would learn the only one by heart. Rows go to /dev/null
// through write(2) in the same steps as in tcpaccept-report. Prints one line per measurement.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "capture/model.h"
#include "core/ip_address.h"
#include "report/filter.h"
#include "text/row_writer.h"

namespace {

using namespace tcpaccept;

constexpr std::size_t kBatches = 32;
constexpr std::size_t kEvents = 16384;
constexpr std::size_t kListeners = 12;
constexpr std::size_t kRowsPerStep = 256;
constexpr std::size_t kWriteAt = 64 * 1024;

capture::Batch make_batch(std::size_t remotes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  capture::Batch batch;
  batch.clock = {.monotonic = 5'000'000'000'000, .realtime = 1'795'421'450'000'000'000, .boottime = 5'000'000'000'000};
  const char* const names[] = {"sshd", "nginx", "iperf3", "postgres", "java", "systemd-resolve"};
  const auto is_v6 = [](std::size_t i) { return i % 5 == 4; };
  for (std::size_t i = 0; i < kListeners; ++i) {
    const std::string tail = std::to_string(i + 1);
    batch.listeners.push_back({.pid = static_cast<std::uint32_t>(900 + 977 * i),
                               .comm = Comm::from(names[i % 6]),
                               .saddr = *parse_address(is_v6(i) ? "2001:db8:0:17::" + tail : "192.168.60." + tail),
                               .sport = static_cast<std::uint16_t>(i == 0 ? 22 : 5200 + i),
                               .family = static_cast<std::uint8_t>(is_v6(i) ? 10 : 2),
                               .protocol = kProtocolTcp,
                               .netns = 4026531840,
                               .cgroup = 4000 + i,
                               .backlog = 4096});
  }
  for (std::size_t i = 0; i < remotes; ++i) {
    char text[64];
    const auto n = static_cast<unsigned>(i);
    if (is_v6(i)) {
      std::snprintf(text, sizeof text, "2001:db8:%x:%x::%x", n % 7, n, n * 31);
    } else {
      std::snprintf(text, sizeof text, "10.%u.%u.%u", n % 3 + 20, n / 250, n % 250 + 1);
    }
    batch.peers.push_back(*parse_address(text));
  }
  std::uint64_t time = batch.clock.monotonic;
  for (std::size_t i = 0; i < kEvents; ++i) {
    time += random() % 200'000;  // about 10,000 accepts a second
    std::size_t listener = random() % kListeners;
    std::size_t peer = random() % remotes;
    while (is_v6(peer) != is_v6(listener)) listener = random() % kListeners;
    batch.time.push_back(time);
    batch.listener.push_back(static_cast<std::uint16_t>(listener));
    batch.peer.push_back(static_cast<std::uint16_t>(peer));
    batch.rport.push_back(static_cast<std::uint16_t>(32768 + random() % 28232));
    batch.tid.push_back(batch.listeners[listener].pid + static_cast<std::uint32_t>(random() % 4));
    batch.cpu.push_back(static_cast<std::uint16_t>(random() % 8));
    batch.wait_us.push_back(random() % 5 == 0 ? random() % 20'000 : random() % 200);
    batch.ahead.push_back(static_cast<std::uint32_t>(random() % 8 == 0 ? random() % 100 : 0));
    batch.rtt_us.push_back(static_cast<std::uint32_t>(30 + random() % 700));
  }
  return batch;
}

// Best of several runs of at least 0.2 s: the machine is shared.
double million_per_second(const std::function<void(std::size_t)>& on_batch) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int run = 0; run < 7; ++run) {
    const auto begin = Clock::now();
    std::size_t events = 0;
    double seconds = 0;
    do {
      on_batch(events / kEvents % kBatches);
      events += kEvents;
      seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    } while (seconds < 0.2);
    best = std::max(best, static_cast<double>(events) / seconds / 1e6);
  }
  return best;
}

using Batches = std::vector<capture::Batch>;

void measure_format(const char* name, const Batches& batches, text::Format format, text::TimeColumn time) {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  std::vector<std::uint32_t> rows(kEvents);
  std::iota(rows.begin(), rows.end(), 0u);
  const auto writer = text::make_row_writer(format, time);
  text::Buffer out;
  std::size_t bytes = 0;
  std::size_t calls = 0;
  const double rate = million_per_second([&](std::size_t i) {
    writer->begin_batch(batches[i], batches[i].time.front());
    for (text::Selection rest = rows; !rest.empty();) {
      const std::size_t step = std::min(rest.size(), kRowsPerStep);
      writer->append_rows(rest.first(step), out);
      rest = rest.subspan(step);
      if (out.size() < kWriteAt && !rest.empty()) continue;
      bytes += out.size();
      if (::write(null, out.view().data(), out.size()) < 0) std::abort();
      out.clear();
    }
    ++calls;
  });
  ::close(null);
  std::printf("  %-28s %8.1f M rows/s  %6.1f bytes/row\n", name, rate,
              static_cast<double>(bytes) / static_cast<double>(calls * kEvents));
}

void measure_filter(const char* name, const Batches& batches, report::FilterSpec spec) {
  report::Filter filter(std::move(spec));
  std::vector<std::uint32_t> rows;
  const double rate = million_per_second(
      [&](std::size_t i) { filter.select(batches[i], 0, static_cast<std::uint32_t>(batches[i].size()), batches[i].time.front(), rows); });
  std::printf("  %-28s %8.1f M events/s, keeps %.1f %%\n", name, rate,
              100.0 * static_cast<double>(rows.size()) / static_cast<double>(kEvents));
}

}  // namespace

int main() {
  using text::Format;
  using text::TimeColumn;
  for (const std::size_t remotes : {std::size_t{8}, std::size_t{4700}}) {
    Batches batches;
    for (std::uint64_t seed = 1; seed <= kBatches; ++seed) batches.push_back(make_batch(remotes, seed));
    std::printf("%zu remote addresses\n", remotes);
    measure_format("table", batches, Format::kTable, TimeColumn::kNone);
    measure_format("table -t", batches, Format::kTable, TimeColumn::kRelative);
    measure_format("table -T", batches, Format::kTable, TimeColumn::kWall);
    measure_format("csv", batches, Format::kCsv, TimeColumn::kNone);
    measure_format("json", batches, Format::kJson, TimeColumn::kNone);
    measure_filter("no filter", batches, {});
    measure_filter("--port 1 (absent)", batches, {.ports = {1}});
    measure_filter("--port 22", batches, {.ports = {22}});
    measure_filter("--rport 1 (absent)", batches, {.rports = {1}});
    measure_filter("--rport 1,2,3 (absent)", batches, {.rports = {1, 2, 3}});
    measure_filter("--raddr 203.0.113.0/24", batches, {.raddrs = {*parse_prefix("203.0.113.0/24")}});
    measure_filter("--raddr 10.20.0.0/16", batches, {.raddrs = {*parse_prefix("10.20.0.0/16")}});
    measure_filter("--port 22 --rport 1", batches, {.ports = {22}, .rports = {1}});
    measure_filter("--since after the end", batches,
                   {.since = report::TimeBound{.relative = true, .nanoseconds = 3'600'000'000'000}});
  }
  return 0;
}
