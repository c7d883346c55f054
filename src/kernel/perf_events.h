// perf events on trace events, one ring per CPU: open, map, filter, count, drain.
//
// It obtains memory and descriptors; what the bytes mean is perf's business. One ring per CPU is shared by all
// events of that CPU, so their samples stay in order. Samples carry TID, TIME (CLOCK_MONOTONIC), CPU, RAW and,
// where the kernel can, CGROUP. The reader is woken when a ring is half full and never per event, which would
// cost three times what the probe itself does.
//
// Where there are several events, they are of one probe: the first sees all that the others see, so its counts are those
// of the accepts, and nothing else is counted.
//
// The event of a CPU that goes offline is dead for ever, without a word (measured on 5.10 to 7.2): when the CPU
// returns, revive() takes events opened anew. Opening needs privileges, everything else here does not, so it is a
// type of its own that another process can hold (kernel/keeper.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/accept.h"
#include "core/byte_cursor.h"
#include "core/unique_fd.h"

namespace tcpaccept::kernel {

struct EventToOpen {
  std::uint64_t id = 0;  // of the trace event
  std::string filter;    // "" for none
};

struct CpuCounts {
  std::uint16_t cpu = 0;
  std::uint64_t hits = 0;  // samples of the first event, after the filter, whether or not they fitted into the ring
  std::uint64_t lost = 0;  // of these, how many did not fit; kNotRecorded64 where the kernel cannot say
  bool operator==(const CpuCounts&) const = default;
};

// Size a ring really gets: the next power of two of whole pages. Throws Error above 1 GiB.
std::uint64_t rounded_ring_bytes(std::uint64_t wanted);

// Opens the same events on one CPU after the other. Copies open alike.
class EventOpener {
 public:
  EventOpener(std::vector<EventToOpen> events, std::uint64_t ring_bytes, bool cgroup = true);

  // One descriptor for each event, switched off, with its filter; none when the CPU is offline. Throws Error with
  // the remedy; nothing is left open then. The first call finds out what this kernel can do.
  std::vector<UniqueFd> open(std::uint16_t cpu);

  std::uint64_t ring_bytes() const { return ring_bytes_; }  // per CPU, rounded
  bool has_cgroup() const { return abilities_.cgroup; }     // samples carry PERF_SAMPLE_CGROUP
  bool has_lost() const { return abilities_.lost; }         // counts tell losses (PERF_FORMAT_LOST)

 private:
  // What older kernels refuse with EINVAL.
  struct Abilities {
    bool cgroup = true;
    bool lost = true;
  };
  int try_open(const EventToOpen& event, const Abilities& abilities, std::uint16_t cpu) const;

  std::vector<EventToOpen> events_;
  std::uint64_t ring_bytes_;
  Abilities abilities_;
  bool tried_ = false;
};

class PerfEvents {
 public:
  // Opens every event on every CPU of `cpus` (those that are offline are passed over), switched off. Throws Error
  // with the remedy; nothing is left open then. `opener` is used by the constructor only.
  PerfEvents(EventOpener& opener, const std::vector<std::uint16_t>& cpus);
  ~PerfEvents();
  PerfEvents(const PerfEvents&) = delete;
  PerfEvents& operator=(const PerfEvents&) = delete;

  // Puts a gate (kernel/gate.h) in front of the event that was the `index`th to open. False, with errno set, when the
  // kernel will not have it: the event's filter then does all the work.
  bool attach(std::size_t index, const UniqueFd& gate);

  void enable();   // throws Error
  void disable();  // never fails; rings and counts keep their content

  std::vector<std::uint16_t> cpus() const;   // with a ring
  const std::vector<int>& poll_fds() const;  // one per ring; borrowed, until revive()

  // Calls `sink` once per ring that holds records, with all whole records of that CPU, valid during the call.
  void drain(const std::function<void(std::uint16_t cpu, Bytes records)>& sink);
  std::uint64_t corrupt_rings() const;  // see RingReader::corrupt

  // Running totals. A CPU on which nothing has happened since the last call is not disturbed: reading an event's
  // count interrupts its CPU.
  std::vector<CpuCounts> counts();

  // Does the kernel still count time for the events of this CPU? False for a CPU without a ring. `patience`: nanoseconds
  // within which a clock that stands may begin to run.
  bool alive(std::uint16_t cpu, std::uint64_t patience = 0) const;
  // Puts events opened anew in the place of dead ones, or adds a ring for a CPU that had none, and switches them on.
  // The ring keeps what it holds, the counts go on. Throws Error.
  void revive(std::uint16_t cpu, std::vector<UniqueFd> events);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpaccept::kernel
