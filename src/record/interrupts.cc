#include "record/interrupts.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace tcpaccept::record {
namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr int kPatienceMs = 1000;
// A pipe that poll(2) calls writable takes this much without blocking (PIPE_BUF, pipe(7)).
constexpr std::size_t kPiece = 4096;

struct sigaction ignore(int signal) {
  struct sigaction ignored {};
  struct sigaction before {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(signal, &ignored, &before);
  return before;
}

}  // namespace

UniqueFd make_timer(std::uint64_t first, std::uint64_t interval) {
  UniqueFd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  const auto spec = [](std::uint64_t nanos) {
    return timespec{static_cast<time_t>(nanos / kNanosPerSecond), static_cast<long>(nanos % kNanosPerSecond)};
  };
  const itimerspec when{spec(interval), spec(first)};
  if (!timer.valid() || ::timerfd_settime(timer.get(), 0, &when, nullptr) != 0) {
    throw system_error("cannot set a timer", errno);
  }
  return timer;
}

Interrupts::Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (signal != SIGHUP || now.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) throw system_error("cannot wait for signals", errno);
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  old_pipe_ = ignore(SIGPIPE);
  old_size_ = ignore(SIGXFSZ);
}

Interrupts::~Interrupts() {
  ::sigaction(SIGPIPE, &old_pipe_, nullptr);
  ::sigaction(SIGXFSZ, &old_size_, nullptr);
  // A second Ctrl-C that came while ending must not kill what follows.
  while (take_signal()) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::set_deadline(std::uint64_t after) { deadline_ = make_timer(after, 0); }

std::optional<std::string> Interrupts::take_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  const char* name = ::sigabbrev_np(static_cast<int>(info.ssi_signo));
  return std::string{"signal SIG"} + (name != nullptr ? name : "?");
}

std::optional<std::string> Interrupts::take() {
  if (taken_) return std::exchange(taken_, std::nullopt);
  if (auto signal = take_signal()) return signal;
  pollfd wait{deadline_.get(), POLLIN, 0};
  if (::poll(&wait, 1, 0) == 1) return "duration";
  return std::nullopt;
}

// False when patience is at its end.
bool Interrupts::wait_writable(int fd, bool& hurried) {
  for (;;) {
    pollfd waits[] = {{fd, POLLOUT, 0},
                      {signals_.get(), POLLIN, 0},
                      {hurried ? -1 : deadline_.get(), POLLIN, 0}};
    const int ready = ::poll(waits, std::size(waits), hurried ? kPatienceMs : -1);
    if (ready < 0 && errno != EINTR) throw system_error("cannot wait for the output", errno);
    if (ready < 0) continue;
    if (waits[0].revents != 0) return true;  // also errors, which write(2) then names
    if (ready == 0) return false;
    auto reason = take_signal();
    if (!reason) reason = "duration";
    if (!taken_) taken_ = std::move(reason);
    if (std::exchange(hurried, true)) return false;
  }
}

bool Interrupts::write(int fd, Bytes bytes, const std::string& what, bool* closed) {
  struct stat status {};
  const bool may_block = ::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode);
  bool hurried = taken_.has_value();
  while (!bytes.empty()) {
    if (may_block && !wait_writable(fd, hurried)) return false;
    const ssize_t count = ::write(fd, bytes.data(), may_block ? std::min(bytes.size(), kPiece) : bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EPIPE && closed != nullptr) {
      *closed = true;
      return true;
    } else if (errno != EINTR && errno != EAGAIN) {
      throw system_error(what, errno);
    }
  }
  return true;
}

}  // namespace tcpaccept::record
