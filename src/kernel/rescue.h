// Accepts on a CPU that came online, from before its perf event was open: ftrace has them.
//
// A perf event dies with its CPU and can be opened again only when the CPU runs, while a buffer of ftrace is there before
// it runs anything. So once a CPU is offline the keeper has ftrace record the probe's first event, too, on that CPU, and
// what perf did not deliver is made up from there. Both write the same bytes at the same call, ftrace first, which tells
// what both have.
//
// Such a record lacks the cgroup, and names the thread but not the process: that is looked up in /proc, and among those
// that perf named.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/byte_cursor.h"
#include "core/unique_fd.h"
#include "kernel/kernel_paths.h"
#include "perf/decoder.h"
#include "perf/event_format.h"

namespace tcpaccept::kernel {

class Rescue {
 public:
  Rescue(const perf::DecoderConfig& decoder, std::uint64_t event_id, KernelPaths paths);

  // `trace`: trace_pipe_raw of the CPU, non-blocking.
  void add(std::uint16_t cpu, UniqueFd trace) { cpus_[cpu].trace = std::move(trace); }
  // `switches`: while each of them reads "1", ftrace records; writing that switches it on.
  void watch(std::vector<UniqueFd> switches) { switches_ = std::move(switches); }
  // False if ftrace was found switched off, and may have been for some time. It is on again then, if that can be.
  bool recording() const;
  bool has(std::uint16_t cpu) const { return cpus_.contains(cpu); }
  std::vector<std::uint16_t> cpus() const;

  // Takes note of records that perf delivered.
  void seen(std::uint16_t cpu, Bytes records);
  // Reads what ftrace has; false if that is nothing new.
  bool read(std::uint16_t cpu);
  // When the CPU's events have proved alive after that: all of it is perf's, but for what the last take() left open. That,
  // as perf records, if perf did not deliver it by now.
  std::vector<std::byte> settle(std::uint16_t cpu);
  // When its events were dead for a time: of what was read, as perf records, what perf did not deliver. All that perf did
  // deliver must have been seen(). With `alive` events the last record is left open: perf's may be on its way.
  std::vector<std::byte> take(std::uint16_t cpu, bool alive);
  // False when the last take() may lack something: ftrace has overwritten it, or did not record what perf delivered before,
  // which is how it looks when somebody keeps our buffer from recording in other ways than recording() looks at.
  bool whole(std::uint16_t cpu) const { return cpus_.at(cpu).whole; }

  void close() {
    cpus_.clear();
    switches_.clear();
  }
  std::uint64_t count() const { return count_; }  // of accepts taken

 private:
  struct Cpu {
    UniqueFd trace;
    std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> read;  // time and payload
    std::size_t open = 0;                             // the first of them were left open
    std::size_t overwritten_before = kNotRecorded64;  // index
    bool whole = true;
    unsigned deaf = 0;  // settlements in a row in which ftrace had nothing of what perf delivered
    std::unordered_set<std::string> seen;
    std::unordered_set<std::string> seen_before;  // by the last settle()
    std::unordered_set<std::string> read_before;  // the same: what ftrace had
  };
  std::string key_of(Bytes payload, std::uint64_t time) const;
  bool delivered(const Cpu& of, std::uint64_t time, Bytes payload) const;
  void emit(std::uint16_t cpu, const Cpu& of, std::size_t count, std::vector<std::byte>& to);
  std::uint32_t process_of_thread(std::uint32_t thread, std::uint64_t time) const;
  std::vector<std::byte> perf_record(std::uint16_t cpu, std::uint64_t time, Bytes payload) const;

  perf::Decoder decoder_;
  bool cgroup_;
  std::uint64_t event_id_;
  perf::FieldSlot ports_;
  perf::FieldSlot protocol_;
  perf::FieldSlot established_;
  std::size_t key_size_ = 0;  // what both writers agree on ends there
  KernelPaths paths_;
  std::map<std::uint16_t, Cpu> cpus_;
  std::vector<UniqueFd> switches_;
  struct Named {
    std::uint32_t process;
    std::uint64_t time;
  };
  std::unordered_map<std::uint32_t, Named> processes_;  // by thread, as perf named them last
  std::uint64_t count_ = 0;
};

}  // namespace tcpaccept::kernel
