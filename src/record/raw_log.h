// The raw log: every input of the pump in one file, so that a recording can be made again without a kernel.
//
// Written on request (tcpaccept-record --raw), read by tests. formats/raw.capnp says what it holds. The reader
// trusts no byte of it, but unlike a capture it is a debugging aid: it carries no checksums.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "capture/model.h"
#include "core/byte_cursor.h"
#include "core/unique_fd.h"
#include "record/pump.h"

namespace tcpaccept::record {

struct RawChunk {
  std::uint16_t cpu = 0;
  std::vector<std::byte> records;
};

struct RawSetup {
  std::vector<std::byte> start_frame;  // as written to the capture
  perf::DecoderConfig decoder;
  PumpOptions pump;  // without pids, which are in the start frame
};

struct KnownProcess {
  std::uint32_t pid = 0;
  std::uint32_t nspid = 0;
};

struct RawRound {
  capture::ClockAnchor clock;
  KernelCounts counts;
  std::vector<RawChunk> chunks;
  std::vector<Gap> gaps;
  std::vector<KnownProcess> processes;  // looked up in this round, as were the cgroups
  std::vector<capture::CgroupPath> cgroups;
  std::vector<std::uint32_t> ended;  // of the processes asked for
};

struct RawFinish {
  std::string reason;
};

class RawLogWriter {
 public:
  // Creates `path` (mode 0600, never over an existing file). Throws Error.
  explicit RawLogWriter(const std::string& path);

  void write(const RawSetup& setup);
  void write(const RawRound& round);
  void write(const RawFinish& finish);

 private:
  template <typename Fill>
  void message(Fill fill);

  std::string path_;
  UniqueFd fd_;
};

// Calls the visitors for each entry in order. Throws Error when the bytes are no raw log.
struct RawLogVisitor {
  std::function<void(const RawSetup&)> setup;
  std::function<void(const RawRound&)> round;
  std::function<void(const RawFinish&)> finish;
};
void read_raw_log(Bytes log, const RawLogVisitor& visitor);

}  // namespace tcpaccept::record
