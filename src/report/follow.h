// Reading a file that still grows, and ending when the recorder or the user does.
//
// Waits in poll(2) on inotify and a signalfd: no sleeping, no polling for size, a row shows up when it is written.
#pragma once

#include <signal.h>

#include <cstddef>
#include <memory>
#include <string>

#include "capture/reader.h"
#include "core/unique_fd.h"

namespace tcpaccept::report {

class Follower {
 public:
  // Watches the open file `fd` (borrowed), a regular file known as `name`. SIGINT and SIGTERM are taken from the
  // process's default handling while the Follower lives. Throws Error.
  Follower(int fd, std::string name);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // A Read over the file that waits at its end unless the session has ended or the user wants to stop. Borrows
  // the Follower.
  capture::Reader::Read read();

  // Said by who understands the frames: whether anything more is to be expected at the end of the file.
  void session_ended(bool ended) { session_ended_ = ended; }
  bool interrupted() const { return interrupted_; }

 private:
  std::size_t read_some(std::byte* to, std::size_t size);
  // False when the user wants to stop.
  bool wait();

  int fd_;
  std::string name_;
  UniqueFd inotify_;
  UniqueFd signals_;
  sigset_t old_mask_{};
  bool session_ended_ = false;
  bool interrupted_ = false;
};

}  // namespace tcpaccept::report
