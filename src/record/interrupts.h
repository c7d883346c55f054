// What ends a session from outside, as descriptors to poll: signals and a deadline.
//
// Made before the output is opened and the probe is set up, so that a signal ends the session and never the process.
#pragma once

#include <cstdint>
#include <signal.h>

#include <optional>
#include <string>

#include "core/byte_cursor.h"
#include "core/unique_fd.h"

namespace tcpaccept::record {

class Interrupts {
 public:
  // Takes over SIGINT, SIGTERM and SIGHUP (the latter unless it is ignored, as under nohup) until it is destroyed, and
  // ignores SIGPIPE and SIGXFSZ: these are errors of write(2) like any other. One at a time. Throws Error.
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // The deadline begins to run now; nanoseconds.
  void set_deadline(std::uint64_t after);

  // Readable when a signal came, and when the deadline has passed (-1 without one).
  int signal_fd() const { return signals_.get(); }
  int deadline_fd() const { return deadline_.get(); }

  // Why to end: "signal SIGINT", "duration"; nothing if there is no reason yet. Takes one signal.
  std::optional<std::string> take();

  // Writes all of `bytes`. A reader that does not read holds this up, but only until there is a reason to end: then it
  // gets a second for each next piece, and a second signal ends its patience at once. False when it was not patient
  // enough; what was taken last stays the reason for take(). Errors of write(2) are thrown as Error that begins with
  // `what`; a reader that is gone is one of them, unless `closed` is given: then it is set instead.
  bool write(int fd, Bytes bytes, const std::string& what, bool* closed = nullptr);

 private:
  std::optional<std::string> take_signal();
  bool wait_writable(int fd, bool& hurried);

  UniqueFd signals_;
  UniqueFd deadline_;
  std::optional<std::string> taken_;  // by write(), not yet by take()
  sigset_t before_{};
  struct sigaction old_pipe_ {};
  struct sigaction old_size_ {};
};

// A timer that fires after `first` and then each `interval` (0 = never again); nanoseconds. Throws Error.
UniqueFd make_timer(std::uint64_t first, std::uint64_t interval);

}  // namespace tcpaccept::record
