// Batches, captures and rendered rows for the report's tests.
#pragma once

#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "capture/batch_builder.h"
#include "capture/codec.h"
#include "capture/model.h"
#include "core/accept.h"
#include "text/row_writer.h"

namespace tcpaccept::samples {

inline IpAddress address(const std::string& text) { return parse_address(text).value(); }

// 2026-11-23T08:10:50Z at 1,000 s of CLOCK_MONOTONIC.
inline constexpr std::int64_t kWall = 1'795'421'450'000'000'000;
inline constexpr std::uint64_t kMonotonic = 1'000'000'000'000;

inline capture::ClockAnchor anchor() { return {.monotonic = kMonotonic, .realtime = kWall, .boottime = kMonotonic}; }

// The first row of the seed's example, at the anchor.
inline Accept sshd() {
  Accept accept;
  accept.time = kMonotonic;
  accept.listener.pid = 1463;
  accept.listener.comm = Comm::from("sshd");
  accept.listener.saddr = address("192.168.60.170");
  accept.listener.sport = 22;
  accept.listener.family = 2;
  accept.listener.protocol = kProtocolTcp;
  accept.raddr = address("192.168.60.1");
  accept.rport = 49385;
  accept.tid = 1463;
  return accept;
}

inline Accept iperf3() {
  Accept accept = sshd();
  accept.listener.pid = accept.tid = 30891;
  accept.listener.comm = Comm::from("iperf3");
  accept.listener.sport = 5201;
  return accept;
}

// One listener and one peer per accept: simple, and a legal batch.
inline capture::Batch batch_of(const std::vector<Accept>& accepts, const capture::ClockAnchor& clock = anchor()) {
  capture::Batch batch;
  batch.clock = clock;
  for (const Accept& accept : accepts) {
    batch.listener.push_back(static_cast<std::uint16_t>(batch.listeners.size()));
    batch.peer.push_back(static_cast<std::uint16_t>(batch.peers.size()));
    batch.listeners.push_back(accept.listener);
    batch.peers.push_back(accept.raddr);
    batch.time.push_back(accept.time);
    batch.rport.push_back(accept.rport);
    batch.tid.push_back(accept.tid);
    batch.cpu.push_back(accept.cpu);
    batch.wait_us.push_back(accept.wait_us);
    batch.ahead.push_back(accept.ahead);
    batch.rtt_us.push_back(accept.rtt_us);
    batch.left.push_back(accept.left);
  }
  return batch;
}

inline std::vector<std::uint32_t> all_rows(const capture::Batch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

inline std::string render(text::RowWriter& writer, const capture::Batch& batch, std::uint64_t origin) {
  text::Buffer out;
  writer.begin_batch(batch, origin);
  writer.append_rows(all_rows(batch), out);
  return std::string(out.view());
}

inline std::string render(text::Format format, text::TimeColumn time, const capture::Batch& batch) {
  return render(*text::make_row_writer(format, time), batch, batch.time.front());
}

inline std::string header(text::Format format, text::TimeColumn time) {
  text::Buffer out;
  text::make_row_writer(format, time)->append_header(out);
  return std::string(out.view());
}

// A batch of random accepts whose values collide often enough for every filter to keep some and drop some.
inline capture::Batch random_batch(std::mt19937_64& random, std::size_t events) {
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const char* const comms[] = {"sshd", "nginx", "iperf3", "", "a\\b", "x\x1b[2J"};
  capture::Batch batch;
  batch.clock = {.monotonic = kMonotonic + below(1000),
                 .realtime = kWall + static_cast<std::int64_t>(below(2'000'000'000)),
                 .boottime = kMonotonic};
  std::uint64_t time = kMonotonic - 500'000'000 + below(1'000'000'000);
  std::vector<Accept> accepts;
  for (std::size_t i = 0; i < events; ++i) {
    Accept accept = sshd();
    const bool v6 = below(3) == 0;
    time += below(3) == 0 ? 0 : below(20'000'000);
    accept.time = time;
    accept.listener.pid = static_cast<std::uint32_t>(100 + below(5));
    accept.listener.comm = Comm::from(comms[below(6)]);
    accept.listener.sport = static_cast<std::uint16_t>(20 + below(4));
    accept.listener.family = v6 || below(2) == 0 ? 10 : 2;
    accept.listener.saddr = address((v6 ? "2001:db8::" : "10.0.0.") + std::to_string(below(3)));
    accept.raddr = address(v6 ? "2001:db8:" + std::to_string(below(4)) + "::9"
                              : "192.168." + std::to_string(below(4)) + "." + std::to_string(below(256)));
    accept.rport = static_cast<std::uint16_t>(40000 + below(6));
    accept.tid = static_cast<std::uint32_t>(below(1u << 22));
    if (below(2) == 0) accept.cpu = static_cast<std::uint16_t>(below(300));
    if (below(2) == 0) accept.wait_us = below(std::uint64_t{1} << below(64));
    if (below(2) == 0) accept.ahead = static_cast<std::uint32_t>(below(5000));
    if (below(2) == 0) accept.rtt_us = static_cast<std::uint32_t>(below(1u << 31));
    accepts.push_back(accept);
  }
  return batch_of(accepts, batch.clock);
}

inline capture::Start start(const std::string& boot_id = "boot-a") {
  capture::Start start;
  start.recorder = "tcpaccept-record 0.1.0";
  start.host = "web1";
  start.kernel = "6.1.0-18-amd64";
  start.kernel_build = "#1 SMP";
  start.machine = "x86_64";
  start.distribution = "Debian GNU/Linux 12 (bookworm)";
  start.boot_id = boot_id;
  start.cpus = 2;
  start.ring_bytes = 524288;
  start.probe = {.plan = "graft",
                 .symbol = "security_sock_graft",
                 .definitions = {"p:tcpaccept/x security_sock_graft"},
                 .filter = "family==2",
                 .offsets = "btf",
                 .notes = {}};
  start.clock = anchor();
  return start;
}

inline capture::End end(std::uint64_t written, std::uint64_t batches) {
  capture::End end;
  end.clock = anchor();
  end.clock.monotonic += 5'000'000'000;
  end.clock.realtime += 5'000'000'000;
  end.clock.boottime += 5'000'000'000;
  end.written = written;
  end.batches = batches;
  end.reason = "signal";
  return end;
}

// The bytes of one frame.
template <typename... Arguments>
std::string frame(const Arguments&... arguments) {
  capture::Encoder encoder;
  const Bytes bytes = encoder.encode(arguments...);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::string frame(const capture::Batch& batch) { return frame(batch, capture::Packing::kPacked); }

}  // namespace tcpaccept::samples
