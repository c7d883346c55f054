#include "kernel/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "kernel/clock.h"
#include "kernel/privileges.h"
#include "kernel/trace_instance.h"

namespace tcpaccept::kernel {
namespace {

constexpr std::size_t kMaxEvents = 8;  // of one CPU

// What the keeper is asked, and what its answers are about.
enum What : std::uint16_t { kReady, kOpen, kTrace, kRemove };
struct Request {
  std::uint16_t what = kOpen;
  std::uint16_t cpu = 0;
  bool operator==(const Request&) const = default;
};

// It may be held up: by a CPU that comes up (seconds in an emulator), by who still has an event of the probe open.
constexpr std::uint64_t kPatience = 2'000'000'000;

// Descriptors may ride along.
struct Answer {
  Request about;
  std::array<char, 252> error{};  // one line; "" when it was done
};

void send_answer(int socket, Answer answer, const std::string& error, const std::vector<UniqueFd>& fds) {
  std::strncpy(answer.error.data(), error.c_str(), answer.error.size() - 1);
  iovec part{&answer, sizeof answer};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxEvents * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    for (std::size_t i = 0; i < fds.size(); ++i) {
      const int fd = fds[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

// False when it did not answer, with errno ETIMEDOUT or ESRCH.
bool receive(int socket, const Request& about, Answer& answer, std::vector<UniqueFd>& fds) {
  const std::uint64_t deadline = monotonic_now() + kPatience;
  for (;;) {
    const std::uint64_t now = monotonic_now();
    pollfd wait{socket, POLLIN, 0};
    const int ready = now < deadline ? ::poll(&wait, 1, static_cast<int>((deadline - now) / 1'000'000 + 1)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    errno = ETIMEDOUT;
    if (ready <= 0) return false;
    iovec part{&answer, sizeof answer};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxEvents * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    errno = ESRCH;
    if (got != static_cast<ssize_t>(sizeof answer)) return false;
    fds.clear();
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        fds.emplace_back(fd);
      }
    }
    if (answer.about == about) return true;  // else it is what nobody waited for any longer
  }
}

// ---- the keeper's own side: no exception may leave it, and it never returns into the recorder's code ---------------

// Everything but the two descriptors it works with is closed: a pipe must not stay open, nor an event of the probe.
// Both are above 2 (core/standard_fds.h).
void leave_everything_else(int socket, int commands) {
  const int low = std::min(socket, commands);
  const int high = std::max(socket, commands);
  const auto close_from_to = [](int first, int last) {
#ifdef SYS_close_range
    if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    for (int fd = first; fd <= std::min(last, 65536); ++fd) ::close(fd);
  };
  close_from_to(0, low - 1);
  close_from_to(low + 1, high - 1);
  close_from_to(high + 1, std::numeric_limits<int>::max());
  for (int fd = 0; fd < 3; ++fd) {
    if (::open("/dev/null", O_RDWR) < 0) break;
  }
  if (::chdir("/") != 0) ::_exit(1);  // no mount is held
}

std::string cannot_remove(const std::string& event, const std::string& why) {
  return "cannot remove probe " + event + ": " + why + "; the next recorder run as root removes it";
}

constexpr int kAttempts = 500;
constexpr int kPauseMs = 20;

// An event of the probe, and its switch in ftrace.
struct Kept {
  std::string name;
  UniqueFd enable;
};

// The recorder's descriptors go one after the other while it dies, this socket perhaps before its events: until then
// the kernel says EBUSY.
std::string remove_probe(int commands, const std::vector<Kept>& events) {
  std::string left;
  for (const Kept& event : events) {
    int error = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      error = Tracefs::remove(commands, event.enable.get(), event.name);
      if (error != EBUSY) break;
      ::poll(nullptr, 0, kPauseMs);
    }
    if (error != 0) left = cannot_remove(event.name, errno_text(error));
  }
  return left;
}

[[noreturn]] void keep(int socket, int commands, const std::vector<Kept>& events, EventOpener opener,
                       TraceInstance traces) {
  send_answer(socket, Answer{.about = {.what = kReady}}, "", {});
  for (;;) {
    Request request;
    const ssize_t got = ::recv(socket, &request, sizeof request, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof request)) break;
    std::vector<UniqueFd> fds;
    std::string why;
    try {
      if (request.what == kTrace) {
        UniqueFd pipe = traces.open(request.cpu);
        fds = traces.switches();
        fds.push_back(std::move(pipe));
      } else {
        fds = opener.open(request.cpu);
      }
    } catch (const Error& error) {
      why = error.what();
    }
    send_answer(socket, Answer{.about = request}, why, fds);
  }
  // The recorder's descriptors go one after the other while it dies, this socket perhaps before those of the instance.
  for (int attempt = 0; attempt < kAttempts && !traces.remove(); ++attempt) ::poll(nullptr, 0, kPauseMs);
  send_answer(socket, Answer{.about = {.what = kRemove}}, remove_probe(commands, events), {});
  ::_exit(0);
}

}  // namespace

Keeper::Keeper(const Tracefs& tracefs, const std::vector<std::string>& events, const EventOpener& opener)
    : probe_(events.empty() ? "" : events.front()) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw system_error("cannot make a socket", errno);
  }
  socket_.reset(pair[0]);
  UniqueFd theirs{pair[1]};
  const TraceInstance traces{tracefs.root(), probe_};
  pid_ = ::fork();
  if (pid_ < 0) throw system_error("cannot start the process that removes the probe", errno);
  if (pid_ == 0) {
    ::setsid();  // not in the terminal's foreground group: Ctrl-C is for the recorder
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
    ::prctl(PR_SET_NAME, "tcpaccept-keep");
    const int socket = theirs.get();
    const int commands = tracefs.commands_fd();
    leave_everything_else(socket, commands);
    std::vector<Kept> kept;
    for (const std::string& event : events) kept.push_back({event, tracefs.open_switch(event)});
    try {
      drop_privileges_but_tracing();
    } catch (const Error&) {  // what matters more is that the probe goes
    }
    keep(socket, commands, kept, opener, traces);
  }
  theirs.reset();
  Answer answer;
  std::vector<UniqueFd> none;
  // One that is slow will do its duty all the same.
  if (!receive(socket_.get(), {.what = kReady}, answer, none) && errno == ESRCH) {
    ::waitpid(pid_, nullptr, 0);
    throw Error{"the process that removes the probe has ended"};
  }
}

std::vector<UniqueFd> Keeper::open(std::uint16_t cpu) { return ask(kOpen, cpu); }
Keeper::Trace Keeper::trace(std::uint16_t cpu) {
  constexpr std::size_t kSwitches = 2;
  std::vector<UniqueFd> fds = ask(kTrace, cpu);
  if (fds.size() != kSwitches + 1) throw Error{"not all descriptors arrived"};  // too many are open
  Trace trace{.pipe = std::move(fds.back()), .switches = {}};
  fds.pop_back();
  trace.switches = std::move(fds);
  return trace;
}

std::vector<UniqueFd> Keeper::ask(std::uint16_t what, std::uint16_t cpu) {
  const Request request{.what = what, .cpu = cpu};
  ::kill(pid_, SIGCONT);  // somebody may have stopped it
  Answer answer;
  std::vector<UniqueFd> fds;
  const bool asked = ::send(socket_.get(), &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(sizeof request);
  if (!asked || !receive(socket_.get(), request, answer, fds)) {
    throw Error{std::string{"the process that opens perf events for CPUs that come online "} +
                (errno == ESRCH || errno == EPIPE ? "is gone" : "does not answer")};
  }
  if (answer.error[0] != '\0') throw Error{answer.error.data()};
  return fds;
}

std::string Keeper::close() {
  if (!socket_.valid()) return "";
  ::kill(pid_, SIGCONT);  // somebody may have stopped it
  ::shutdown(socket_.get(), SHUT_WR);
  Answer answer;
  std::vector<UniqueFd> none;
  const bool answered = receive(socket_.get(), {.what = kRemove}, answer, none);
  const bool gone = !answered && errno == ESRCH;
  socket_.reset();
  if (!answered && !gone) {
    return "probe " + probe_ + " is not removed yet: process " + std::to_string(pid_) +
           " (tcpaccept-keep) has not done it within 2 s; it goes on trying for some seconds, then it is for the next "
           "recorder run as root";
  }
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  return gone ? cannot_remove(probe_, "the process that does it is gone") : answer.error.data();
}

}  // namespace tcpaccept::kernel
