// A stretch of time in which accepts may have gone unseen, though no ring overflowed.
#pragma once

#include <cstdint>

#include "core/accept.h"

namespace tcpaccept {

// Values are those of the file (formats/capture.capnp).
enum class GapReason : std::uint16_t {
  kOther = 0,
  kProbesOff = 1,       // probes were switched off: kernel.ftrace_enabled, debugfs kprobes/enabled
  kCpuOnline = 2,       // a CPU came online, before its perf event was open again
  kWaitingThreads = 3,  // a return probe does not see the next accept of a thread that waits already
  kRemoved = 4,         // the probe itself was taken away
  kDamage = 5,          // a damaged part of a capture was left out when it was written anew
  kNotEnded = 6,        // what came after the last flush of a recording that was not ended (a killed recorder)
};

// [begin, end] on CLOCK_MONOTONIC, nanoseconds.
struct Gap {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint16_t cpu = kNotRecorded16;      // the only one concerned; kNotRecorded16 = all
  GapReason reason = GapReason::kOther;    // in a file it may be one of a newer recorder
  std::uint64_t at_most = kNotRecorded64;  // accepts that can be missing; kNotRecorded64 = any number
  bool operator==(const Gap&) const = default;
};

}  // namespace tcpaccept
