// perf events on trace events, one ring per CPU: open, map, filter, count, drain.
//
// It obtains memory and descriptors; what the bytes mean is perf's business. One ring per CPU is shared by all
// events of that CPU, so their samples stay in order. Samples carry TID, TIME (CLOCK_MONOTONIC), CPU, RAW and,
// where the kernel can, CGROUP. The reader is woken when a ring is half full and never per event, which would
// cost three times what the probe itself does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/accept.h"
#include "core/byte_cursor.h"

namespace tcpaccept::kernel {

struct EventToOpen {
  std::uint64_t id = 0;  // of the trace event
  std::string filter;    // "" for none
};

struct CpuCounts {
  std::uint16_t cpu = 0;
  std::uint64_t hits = 0;  // samples produced after the filter, whether or not they fitted into the ring
  std::uint64_t lost = 0;  // of these, how many did not fit; kNotRecorded64 where the kernel cannot say
  bool operator==(const CpuCounts&) const = default;
};

// Size a ring really gets: the next power of two of whole pages. Throws Error above 1 GiB.
std::uint64_t rounded_ring_bytes(std::uint64_t wanted);

class PerfEvents {
 public:
  // Opens every event on every CPU of `cpus` (those that are offline are passed over), switched off. Throws Error
  // with the remedy; nothing is left open then.
  PerfEvents(const std::vector<EventToOpen>& events, const std::vector<std::uint16_t>& cpus,
             std::uint64_t ring_bytes);
  ~PerfEvents();
  PerfEvents(const PerfEvents&) = delete;
  PerfEvents& operator=(const PerfEvents&) = delete;

  void enable();   // throws Error
  void disable();  // never fails; rings and counts keep their content

  bool has_cgroup() const;
  std::uint64_t ring_bytes() const;          // per CPU
  std::vector<std::uint16_t> cpus() const;   // with a ring
  const std::vector<int>& poll_fds() const;  // one per ring; borrowed

  // Calls `sink` once per ring that holds records, with all whole records of that CPU, valid during the call.
  void drain(const std::function<void(std::uint16_t cpu, Bytes records)>& sink);
  std::uint64_t corrupt_rings() const;  // see RingReader::corrupt

  std::vector<CpuCounts> counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpaccept::kernel
