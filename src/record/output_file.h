// Where a capture goes: a new file, standard output, a device or a FIFO.
//
// Frames are written whole. When a write fails half way on a regular file, the torn part is cut off again, so that
// what was written before stays a clean capture.
//
// A file of our own making can end in a tail: a frame that is replaced again and again (an open batch, capture.md,
// section 6). There are two places for it, one behind the other, used in turn; so whatever happens while one is written,
// the other still holds what was there before. Zeros fill the rest of the places.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

  // Appends all of `bytes`, in place of the tail if there is one. False: the disk is full, and nothing has changed. Throws
  // Error on anything else; also when its reader does not read and the user wants an end.
  bool append(Bytes bytes);

  // Whether rewrite_tail() may be called.
  bool has_tail() const { return created_; }
  // Makes `bytes` the tail. False as above.
  bool rewrite_tail(Bytes bytes);

  // Durable on its disk after this; no-op for what is no regular file. Throws Error.
  void sync();

  const std::string& name() const { return name_; }  // for messages
  // Bytes; of the tail only what it stands for.
  std::uint64_t written() const { return written_ + tail_; }
  // For poll: tells that the other end of a pipe is gone (POLLERR).
  int fd() const { return fd_; }

 private:
  bool append_to_file(Bytes bytes);
  // All of `bytes` at `offset`; false: no room, and the file is no longer than before.
  bool put(Bytes bytes, std::uint64_t offset);

  std::string name_;       // as the user gave it
  std::string temporary_;  // until keep(), where a file is to be replaced; else ""
  Interrupts& interrupts_;
  UniqueFd owned_;
  int fd_ = -1;
  bool regular_ = false;
  bool created_ = false;
  bool kept_ = false;
  std::uint64_t written_ = 0;  // where the tail begins, if there is one
  std::uint64_t length_ = 0;   // of a regular file of ours
  std::uint64_t place_ = 0;    // bytes of each place of the tail; 0 = there is none
  std::uint64_t newest_ = 0;   // offset of the one written last
  std::uint64_t tail_ = 0;     // its length without zeros
  std::vector<std::byte> padded_;
};

}  // namespace tcpaccept::record
