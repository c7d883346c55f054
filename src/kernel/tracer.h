// The whole of the kernel side: a probe on the accept path and one ring per CPU that its samples land in.
//
// Tries the probe plans in order until one can be installed and opened, and says why others were passed over.
// It hands out bytes; their meaning is perf's business (perf/decoder.h). Nothing here knows captures.
//
// Privileges are needed by the constructor only, and it reads no sample but those of connections of its own. Everything
// else works for any user: the descriptors needed are kept open, and a small process that keeps the privileges
// (kernel/keeper.h) opens the events of CPUs that come online, and removes the probe should this process be killed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/byte_cursor.h"
#include "core/gap.h"
#include "kernel/kernel_paths.h"
#include "kernel/perf_events.h"
#include "perf/decoder.h"

namespace tcpaccept::kernel {

inline constexpr std::uint64_t kDefaultRingBytes = 512 * 1024;  // per CPU; what perf_event_mlock_kb grants anybody

struct TracerOptions {
  std::uint64_t ring_bytes = kDefaultRingBytes;  // per CPU; rounded up to a power of two of pages
  std::string plan;                              // "" = the first that works; else only the one of this name
  KernelPaths paths;
};

// What was set up, as plain values; valid after close() too.
struct TracerInfo {
  std::string plan;                      // "graft", "inet_accept", "csk_accept"
  std::string symbol;                    // the probed function
  std::vector<std::string> definitions;  // as written to kprobe_events, one per event
  std::string filter;                    // of the events, joined with " | " when they differ; "" for none
  std::string offsets;                   // where structure offsets came from: "btf", "default"
  std::vector<std::string> self_test;    // one line for each kind of connection of our own that was tried
  std::string unproved;                  // "", or why none of these could be made, with the remedy
  std::string unwatched;                 // "", or why probes can be switched off unnoticed, with the remedy
  std::uint64_t self_test_ns = 0;        // how long that took, in all
  std::vector<std::string> notes;        // why other plans were passed over, fields that are missing
  std::vector<std::string> swept;        // probes of killed recorders that were removed
  std::vector<std::string> warnings;     // what the user should know before it begins, one line each
  std::vector<std::uint16_t> cpus;       // with a ring
  std::uint64_t ring_bytes = 0;          // per CPU, after rounding
  perf::DecoderConfig decoder;           // decodes what drain delivers
};

struct TracerCounters {
  // Accepts the kernel counted, after its filter, whether or not their samples fitted into a ring: samples of the first
  // event (perf_events.h), and what ftrace alone had.
  std::uint64_t hits = 0;
  // Of these, how many did not fit; includes what Loss records announce. kNotRecorded64 where the kernel cannot
  // say (no PERF_FORMAT_LOST, before about 6.0): hits minus samples read is the same number.
  std::uint64_t kernel_lost = 0;
  // Times the probed function was reached but the probe could not run (kprobe_profile), for whatever socket.
  // kNotRecorded64 when the kernel does not say.
  std::uint64_t probe_misses = 0;
  std::vector<CpuCounts> by_cpu;  // hits and losses, as perf_events.h counts them
};

// What looking after the probe brought to light.
struct Tended {
  std::vector<Gap> gaps;          // since the last time
  std::vector<std::string> said;  // what the user should know now, one line each
};

class Tracer {
 public:
  // The probe is installed, has shown our own loopback connections as they were, and waits for start(). Throws Error
  // (one line with the remedy) when no plan works.
  explicit Tracer(const TracerOptions& options);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  const TracerInfo& info() const;

  // From here on samples are produced. Throws Error.
  void start();

  // One descriptor per ring, for poll(POLLIN): readable when a ring is half full. Never relied on alone: a ring
  // that is less than half full wakes nobody, so drain by a timer as well. tend() may append to it. Empty after
  // close().
  const std::vector<int>& poll_fds() const;
  // Descriptors for poll(POLLIN) that ask for tend() at once.
  std::vector<int> watch_fds() const;

  // Looks whether the probe still sees everything, and repairs what can be repaired: to be called before each drain. Costs
  // next to nothing but once a second and when there is something to see to. probe_misses is as of then.
  // `now`: CLOCK_MONOTONIC. Never throws.
  Tended tend(std::uint64_t now);

  // Whole records of one CPU, oldest first, linear; valid during the call.
  using Sink = std::function<void(std::uint16_t cpu, Bytes records)>;
  // Empties every ring once. Bounded: what arrives meanwhile waits for the next call. If the sink throws, the
  // records given to it count as read.
  void drain(const Sink& sink);

  // Times a ring's content made no sense and was skipped up to its head. Always 0 with a sane kernel.
  std::uint64_t corrupt_rings() const;

  // After close(): the values at the moment of closing.
  TracerCounters counters() const;

  // Stops producing samples; what is in the rings can still be drained, the counters no longer move.
  void stop();

  // Closes the events, then removes the probe. Idempotent; never throws. Returns "" or one line saying why the
  // probe could not be removed.
  std::string close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpaccept::kernel
