#include "report/follow.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/error.h"

namespace tcpaccept::report {

Follower::Follower(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify_.valid()) throw system_error("cannot follow " + name_, errno);
  // By descriptor, so that the file that was opened is watched even if its name now means another.
  const std::string path = "/proc/self/fd/" + std::to_string(fd_);
  if (::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY | IN_ATTRIB) < 0) {
    throw system_error("cannot follow " + name_, errno);
  }
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) throw system_error("cannot follow " + name_, errno);
  pthread_sigmask(SIG_BLOCK, &mask, &old_mask_);
}

Follower::~Follower() {
  // A signal that came while we finished must not strike now.
  signalfd_siginfo ignored;
  while (::read(signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

capture::Source Follower::read_from(std::uint64_t offset) {
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) throw system_error("cannot read " + name_, errno);
  return capture::read_from(fd_, name_);
}

void Follower::wait(std::uint64_t finished, int timeout) {
  struct stat status {};
  if (::fstat(fd_, &status) == 0) {
    if (static_cast<std::uint64_t>(status.st_size) < finished) {
      throw Error(name_ + ": became shorter while it was followed");
    }
    if (status.st_nlink == 0) throw Error(name_ + ": was removed while it was followed");
  }
  std::array<pollfd, 2> ready{{{.fd = inotify_.get(), .events = POLLIN, .revents = 0},
                               {.fd = signals_.get(), .events = POLLIN, .revents = 0}}};
  while (::poll(ready.data(), ready.size(), timeout) < 0) {
    if (errno != EINTR) throw system_error("cannot follow " + name_, errno);
  }
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
}

bool Follower::interrupted() const {
  pollfd signals{.fd = signals_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&signals, 1, 0) > 0;
}

}  // namespace tcpaccept::report
