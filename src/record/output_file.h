// Where a capture goes: a new file, standard output, a device or a FIFO.
//
// Frames are written whole. When a write fails half way on a regular file, the torn part is cut off again, so that
// what was written before stays a clean capture.
#pragma once

#include <cstdint>
#include <string>

#include "core/byte_cursor.h"
#include "core/unique_fd.h"
#include "record/interrupts.h"

namespace tcpaccept::record {

class OutputFile {
 public:
  // `path` "-" is standard output, which must not be a terminal. A regular file is created with mode 0600; one
  // that exists is replaced only if `force`, and not before keep(). `interrupts` is borrowed. Throws Error.
  OutputFile(const std::string& path, bool force, Interrupts& interrupts);
  // A file that was created and not kept is removed again.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // There is something to record: the file stays, in place of the one that is replaced. Throws Error.
  void keep();

  // Appends all of `bytes` or throws Error; also when its reader does not read and the user wants an end.
  void append(Bytes bytes);

  // Durable on its disk after this; no-op for what is no regular file. Throws Error.
  void sync();

  const std::string& name() const { return name_; }  // for messages
  std::uint64_t written() const { return written_; }
  // For poll: tells that the other end of a pipe is gone (POLLERR).
  int fd() const { return fd_; }

 private:
  std::string name_;       // as the user gave it
  std::string temporary_;  // until keep(), where a file is to be replaced; else ""
  Interrupts& interrupts_;
  UniqueFd owned_;
  int fd_ = -1;
  bool regular_ = false;
  bool created_ = false;
  bool kept_ = false;
  std::uint64_t written_ = 0;
};

}  // namespace tcpaccept::record
