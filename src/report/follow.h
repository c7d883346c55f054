// Reading a file that still grows, and ending when the recorder or the user does.
//
// Waits in poll(2) on inotify and a signalfd: no sleeping, no polling for size, a row shows up when it is written.
#pragma once

#include <signal.h>

#include <cstdint>
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

  // Waits until the file changes, the user wants to stop, or so many milliseconds (-1 = for ever) are over. Throws
  // Error if there is nothing to wait for: it was removed, or is shorter than `finished` bytes, which were not to
  // change any more.
  void wait(std::uint64_t finished, int timeout = -1);
  // The user wants to stop.
  bool interrupted() const;

  // What the file holds now, from `offset` on. Borrows the descriptor.
  capture::Source read_from(std::uint64_t offset);

 private:
  int fd_;
  std::string name_;
  UniqueFd inotify_;
  UniqueFd signals_;
  sigset_t old_mask_{};
};

}  // namespace tcpaccept::report
