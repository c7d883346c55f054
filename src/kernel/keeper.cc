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
#include "kernel/privileges.h"

namespace tcpaccept::kernel {
namespace {

constexpr std::size_t kMaxEvents = 8;  // of one CPU

// What the keeper says: an errno and a reason when it could not open, else descriptors ride along (none: offline).
struct Answer {
  std::int32_t error = 0;
  std::array<char, 252> why{};
};

void send_answer(int socket, const Answer& answer, const std::vector<UniqueFd>& fds) {
  Answer copy = answer;
  iovec part{&copy, sizeof copy};
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

// ---- the keeper's own side: no exception may leave it, and it never returns into the recorder's code ---------------

// Everything but the two descriptors it works with is closed: a pipe must not stay open, nor an event of the probe.
void leave_everything_else(int& socket, int& commands) {
  // Both above 2, in places known.
  const int kept_socket = ::fcntl(socket, F_DUPFD_CLOEXEC, 10);
  const int kept_commands = ::fcntl(commands, F_DUPFD_CLOEXEC, 10);
  if (kept_socket < 0 || kept_commands < 0) ::_exit(1);
  const int low = std::min(kept_socket, kept_commands);
  const int high = std::max(kept_socket, kept_commands);
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
  socket = kept_socket;
  commands = kept_commands;
}

// The recorder's descriptors go one after the other while it dies, this socket perhaps before its events: until then
// the kernel says EBUSY.
void remove_probe(int commands, const std::vector<std::string>& events) {
  constexpr int kAttempts = 500;
  constexpr int kPauseMs = 20;
  for (const std::string& event : events) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (Tracefs::command(commands, "-:" + event) != EBUSY) break;
      ::poll(nullptr, 0, kPauseMs);
    }
  }
}

[[noreturn]] void keep(int socket, int commands, const std::vector<std::string>& events, EventOpener opener) {
  for (;;) {
    std::uint16_t cpu = 0;
    const ssize_t got = ::recv(socket, &cpu, sizeof cpu, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof cpu)) break;
    Answer answer;
    std::vector<UniqueFd> fds;
    try {
      fds = opener.open(cpu);
    } catch (const Error& error) {
      answer.error = EIO;
      std::strncpy(answer.why.data(), error.what(), answer.why.size() - 1);
    }
    send_answer(socket, answer, fds);
  }
  remove_probe(commands, events);
  ::_exit(0);
}

}  // namespace

Keeper::Keeper(const Tracefs& tracefs, const std::vector<std::string>& events, const EventOpener& opener) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw system_error("cannot make a socket", errno);
  }
  socket_.reset(pair[0]);
  UniqueFd theirs{pair[1]};
  pid_ = ::fork();
  if (pid_ < 0) throw system_error("cannot start the process that removes the probe", errno);
  if (pid_ == 0) {
    ::setsid();  // not in the terminal's foreground group: Ctrl-C is for the recorder
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
    ::prctl(PR_SET_NAME, "tcpaccept-keep");
    int socket = theirs.get();
    int commands = tracefs.commands_fd();
    leave_everything_else(socket, commands);
    try {
      drop_privileges_but_perf();
    } catch (const Error&) {  // what matters more is that the probe goes
    }
    keep(socket, commands, events, opener);
  }
}

Keeper::~Keeper() {
  socket_.reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::vector<UniqueFd> Keeper::open(std::uint16_t cpu) {
  const char* const gone = "the process that opens perf events for CPUs that come online is gone";
  if (::send(socket_.get(), &cpu, sizeof cpu, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof cpu)) throw Error{gone};
  Answer answer;
  iovec part{&answer, sizeof answer};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxEvents * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof answer)) throw Error{gone};
  std::vector<UniqueFd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  if (answer.error != 0) throw Error{answer.why.data()};
  return fds;
}

}  // namespace tcpaccept::kernel
