// A synthetic capture, frame by frame: made-up accepts of a busy server, and holes as recorders have them.
//
// Holes lie evenly in the capture: among its accepts, or in its time where that is what is given. In a loss the probe
// sees accepts that no ring has room for: they are counted, by CPU. In a gap the probe is off: nobody knows what it did
// not see. Either is an empty batch with an account, so that it has a place in time. The capture's start says that it
// is made up.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "capture/batch_builder.h"
#include "capture/codec.h"
#include "core/byte_cursor.h"
#include "generate/accept_source.h"

namespace tcpaccept::generate {

struct Plan {
  Workload workload{};
  std::uint64_t accepts = 100'000;
  std::optional<std::uint64_t> duration{};  // nanoseconds from start to end, holes included; then `accepts` is not used
  std::uint32_t losses = 0;
  std::uint32_t gaps = 0;
  capture::Packing packing = capture::Packing::kPacked;
};

class Generator {
 public:
  // `write` takes whole frames, in order.
  Generator(const Plan& plan, std::function<void(Bytes)> write)
      : plan_(plan), write_(std::move(write)), source_(plan.workload) {}

  // All of it.
  void run();

 private:
  // Lost or missed accepts, by CPU.
  using Missing = std::array<std::uint64_t, AcceptSource::kCpus>;

  void run_by_count();
  void run_by_time(std::uint64_t duration);
  void start();
  void add(const Accept& accept);
  void flush();
  bool is_gap(std::uint64_t hole) const;
  void write_hole(bool gap, const Missing& missing);
  void end();

  Plan plan_;
  std::function<void(Bytes)> write_;
  AcceptSource source_;
  capture::Encoder encoder_;
  capture::BatchBuilder builder_;
  std::uint64_t written_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t last_time_ = 0;  // up to here all is made: the last accept, also in a hole, or a time that was reached
  std::uint64_t told_until_ = 0;  // end of the last account
};

}  // namespace tcpaccept::generate
