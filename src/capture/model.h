// What a capture holds, as plain values: the in-memory side of formats/capture.capnp.
//
// The recorder fills these, the codec turns them into frames and back, the report reads them. Nothing here
// knows Cap'n Proto, files or the kernel. Units: nanoseconds and bytes unless a name says otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accept.h"
#include "core/gap.h"

namespace tcpaccept::capture {

// Nanoseconds of a clock for instants that may lie before it began or behind its end.
using WideTime = __int128;

// The same instant on three clocks, so that wall time, clock steps and suspends can be seen afterwards.
struct ClockAnchor {
  std::uint64_t monotonic = 0;  // CLOCK_MONOTONIC, the clock of every event time; stops during suspend
  std::int64_t realtime = 0;    // CLOCK_REALTIME: nanoseconds since 1970 UTC
  std::uint64_t boottime = 0;   // CLOCK_BOOTTIME: as monotonic, but runs during suspend

  bool operator==(const ClockAnchor&) const = default;

  // Wall time of an instant of CLOCK_MONOTONIC. Wraps instead of overflowing on hostile values.
  std::int64_t wall(std::uint64_t time) const {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(realtime) + (time - monotonic));
  }
};

// The completeness account of one slice of time: all that happened since the previous ledger.
// hits = written + filtered + lost + (events still in the rings at either end of the slice); a reader adds up
// all ledgers of a session, where the latter is zero.
struct Ledger {
  std::uint64_t begin = 0;  // CLOCK_MONOTONIC; the slice is [begin, end)
  std::uint64_t end = 0;
  std::uint64_t hits = 0;      // probe hits that passed the kernel's own filter (the perf events' counts)
  std::uint64_t misses = 0;    // probe misses (kprobe_profile): accepts the probe could not see
  std::uint64_t lost = 0;      // hits the kernel could not put into a ring, or that could not be decoded
  std::uint64_t filtered = 0;  // samples left out on request (-p)
  std::uint64_t written = 0;   // samples in this slice's batches

  bool operator==(const Ledger&) const = default;
  bool complete() const { return misses == 0 && lost == 0; }
};

// Samples lost in the ring of one CPU.
struct CpuLoss {
  std::uint16_t cpu = 0;
  std::uint64_t lost = 0;
  bool operator==(const CpuLoss&) const = default;
};

// Name of a cgroup: its path below the cgroup v2 mount, "/system.slice/ssh.service". Any bytes; hostile.
struct CgroupPath {
  std::uint64_t id = 0;
  std::string path;
  bool operator==(const CgroupPath&) const = default;
};

struct ProbeInfo {
  std::string plan;                       // "graft", "inet_accept", "csk_accept"
  std::string symbol;                     // the probed function
  std::vector<std::string> definitions;   // as written to kprobe_events
  std::string filter;                     // of the perf events, "" for none
  std::string offsets;                    // where structure offsets came from: "btf", "default"
  std::vector<std::string> notes;         // why other plans were passed over, fields that are missing
  std::vector<std::string> self_test;     // what the recorder's own connections looked like through the probe

  bool operator==(const ProbeInfo&) const = default;
};

// First frame of a session: who recorded what, where and how.
struct Start {
  std::string recorder;      // program and version, "tcpaccept-record 0.1.0"
  std::string host;          // nodename
  std::string kernel;        // uname release
  std::string kernel_build;  // uname version
  std::string machine;       // uname machine
  std::string distribution;  // PRETTY_NAME of os-release
  std::string boot_id;       // /proc/sys/kernel/random/boot_id
  std::uint32_t cpus = 0;    // online at start
  std::uint64_t ring_bytes = 0;  // per CPU
  std::vector<std::uint32_t> pids;  // -p; empty = all
  ProbeInfo probe;
  ClockAnchor clock;

  bool operator==(const Start&) const = default;
};

// Why nothing proves that no accept of a session, or of a part of it, is missing, though none is known to be.
struct Unproved {
  bool probe = false;     // the recorder did not prove that its probe works
  bool misses = false;    // the kernel could not count what the probe missed
  bool losses = false;    // there are no ledgers
  bool switches = false;  // the recorder could not watch whether somebody switches probes off

  bool operator==(const Unproved&) const = default;
  void add(const Unproved& other) {
    probe |= other.probe;
    misses |= other.misses;
    losses |= other.losses;
    switches |= other.switches;
  }
};

// Last frame of a session, present only after a clean stop. It adds certainty; nothing may depend on it.
struct End {
  ClockAnchor clock;
  std::uint64_t written = 0;  // events in all batches of the session
  std::uint64_t batches = 0;
  std::string reason;  // "signal SIGINT", "duration", "count", "process 121 ended"
  Unproved unproved{};  // of a part of the session, whatever its start says

  bool operator==(const End&) const = default;
};

// Up to kMaxBatchEvents accepts as columns. All event columns have the same length. listener[i] indexes
// `listeners`, peer[i] indexes `peers`; a Batch from the reader has been checked for both. Times do not
// decrease within a batch. The "not recorded" values are those of core/accept.h.
inline constexpr std::size_t kMaxBatchEvents = 65535;
inline constexpr std::size_t kMaxCgroupPath = 1024;  // bytes; a longer path is not recorded

struct Batch {
  std::vector<Listener> listeners;
  std::vector<IpAddress> peers;

  std::vector<std::uint64_t> time;
  std::vector<std::uint16_t> listener;
  std::vector<std::uint16_t> peer;
  std::vector<std::uint16_t> rport;
  std::vector<std::uint32_t> tid;
  std::vector<std::uint16_t> cpu;
  std::vector<std::uint64_t> wait_us;
  std::vector<std::uint32_t> ahead;
  std::vector<std::uint32_t> rtt_us;
  std::vector<std::uint32_t> left;

  std::uint64_t first_event = kNotRecorded64;  // events of the session in batches before this one
  std::uint32_t open = 0;  // not 0: a later batch of the same first_event, with a higher number or 0, replaces this one
  ClockAnchor clock;
  std::optional<Ledger> ledger;
  std::vector<CpuLoss> cpu_losses;  // where the ledger's lost samples were lost, as far as the kernel says
  std::vector<Gap> gaps;            // that ended, or went on, in the ledger's slice
  std::vector<CgroupPath> cgroups;  // of the listeners' cgroups, those whose path is known; ids ascend

  bool operator==(const Batch&) const = default;
  std::size_t size() const { return time.size(); }
  Accept at(std::size_t i) const {
    return {.time = time[i],
            .listener = listeners[listener[i]],
            .raddr = peers[peer[i]],
            .rport = rport[i],
            .tid = tid[i],
            .cpu = cpu[i],
            .wait_us = wait_us[i],
            .ahead = ahead[i],
            .rtt_us = rtt_us[i],
            .left = left[i]};
  }
  // "" when it is not known. Borrowed.
  std::string_view cgroup_path(std::uint64_t id) const;
  void clear();  // keeps the memory
};

}  // namespace tcpaccept::capture
