// Made-up accepts. Deterministic: the same workload gives the same accepts.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/accept.h"

namespace tcpaccept::generate {

struct Workload {
  std::uint32_t seed = 1;
  std::size_t remote_addresses = 8;
  std::size_t listeners = 12;
  double ipv6_share = 0.2;
  double mean_gap_ns = 50'000;  // between accepts
  std::size_t threads = 4;      // of each process
  bool metrics = true;          // queue wait, connections ahead, round trip
};

// Accepts as a busy server sees them: exponential gaps, random clients and ephemeral ports.
class AcceptSource {
 public:
  static constexpr std::uint16_t kCpus = 8;

  explicit AcceptSource(const Workload& workload) : workload_(workload), random_(workload.seed) {
    for (std::size_t i = 0; i < workload.remote_addresses; ++i) {
      v4_.push_back(IpAddress::from_v4(static_cast<std::uint32_t>(random_())));
      IpAddress v6;
      v6.bytes = {0x20, 0x01, 0x0d, 0xb8};
      for (std::size_t b = 6; b < 16; ++b) v6.bytes[b] = static_cast<std::uint8_t>(random_());
      v6_.push_back(v6);
    }
    for (std::size_t i = 0; i < workload.listeners; ++i) {
      Listener listener;
      listener.pid = 1000 + static_cast<std::uint32_t>(i) * 7;
      listener.comm = Comm::from("server" + std::to_string(i));
      listener.sport = static_cast<std::uint16_t>(8000 + i);
      listener.protocol = kProtocolTcp;
      listener.netns = 4026531840;
      listener.cgroup = 5000 + i;
      listener.backlog = 128;
      listeners_.push_back(listener);
    }
  }

  Accept next() {
    std::exponential_distribution<double> gap{1.0 / workload_.mean_gap_ns};
    time_ += 1 + static_cast<std::uint64_t>(gap(random_));
    Accept accept;
    accept.time = time_;
    accept.listener = listeners_[below(listeners_.size())];
    const bool v6 = std::uniform_real_distribution<>{}(random_) < workload_.ipv6_share;
    accept.listener.family = v6 ? 10 : 2;
    accept.listener.saddr = v6 ? *parse_address("2001:db8::22") : *parse_address("192.168.60.170");
    accept.raddr = (v6 ? v6_ : v4_)[below(v4_.size())];
    accept.rport = static_cast<std::uint16_t>(32768 + below(28232));
    accept.tid = accept.listener.pid + static_cast<std::uint32_t>(below(workload_.threads));
    accept.cpu = static_cast<std::uint16_t>(below(kCpus));
    if (workload_.metrics) {
      accept.wait_us = static_cast<std::uint64_t>(std::exponential_distribution<double>{1.0 / 40}(random_));
      accept.ahead = below(10) == 0 ? static_cast<std::uint32_t>(below(4)) : 0;
      accept.rtt_us = 100 + static_cast<std::uint32_t>(std::exponential_distribution<double>{1.0 / 60}(random_));
    }
    return accept;
  }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_); }

  Workload workload_;
  std::mt19937_64 random_;
  std::vector<IpAddress> v4_;
  std::vector<IpAddress> v6_;
  std::vector<Listener> listeners_;
  std::uint64_t time_ = 86'400'000'000'000;
};

}  // namespace tcpaccept::generate
