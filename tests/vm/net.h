// Sockets, processes and clocks for the workload: thin wrappers that throw std::system_error instead of returning -1, and that write the
// truth log at the only two places where connections are made or taken.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "truth.h"

namespace tcpaccept::vm {

// Throws std::system_error with errno when `result` is negative, else returns it.
int check(int result, const char* what);

std::int64_t monotonic_ns();

// Sets the name of the calling thread (comm); bytes as they are, at most 15.
void set_comm(const std::string& name);
std::string comm();

// Who the calling process is to somebody in the initial namespaces.
struct Identity {
  std::int64_t pid = 0;    // outside, where this machine's /proc belongs
  std::int64_t nspid = 0;  // in its own pid namespace
  std::uint64_t netns = 0;
  std::uint64_t cgroup = 0;
  std::string cgroup_path;
};

// Looked up once per process; call forget_identity() after the process moved into another namespace or cgroup.
Identity identity();
void forget_identity();
// The calling thread, outside.
std::int64_t outer_tid();

// A row for something the calling thread is about to do: who it is, and the clock.
TruthRow new_row(Side side, const std::string& scenario);

// A file descriptor closed at the end of its scope.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  int get() const { return fd_; }
  void reset();

 private:
  int fd_ = -1;
};

// One-shot signal between processes: created before fork(), `raise` in one, `wait` in the other, which gets the value (not 0).
class Signal {
 public:
  Signal();
  void raise(std::uint64_t value = 1) const;
  std::uint64_t wait() const;
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

// A process made by fork() that runs `body` and ends with status 0, or 1 after printing what it threw. It dies with its parent.
class Child {
 public:
  explicit Child(const std::function<void()>& body);
  pid_t pid() const { return pid_; }
  // Waits for the end; throws std::runtime_error unless the status was 0.
  void join();

 private:
  pid_t pid_ = -1;
};

// Returns when thread `tid` of process `pid` sleeps inside accept(), which is what "already waiting" means.
void wait_until_in_accept(pid_t pid, pid_t tid);
// The same for any system call.
void wait_until_in_call(pid_t pid, pid_t tid, long number);

struct ListenOptions {
  bool dual_stack = false;    // "::" without IPV6_V6ONLY
  bool reuse_port = false;    // SO_REUSEPORT
  bool non_blocking = false;  // SOCK_NONBLOCK
  int backlog = 128;
  std::uint16_t port = 0;  // 0: any free one
  int protocol = 0;        // 0: TCP; or IPPROTO_MPTCP
  int fast_open = 0;       // TCP_FASTOPEN: so many at a time
  bool reset = false;      // close() of accepted connections resets them, so that none stays in TIME_WAIT
};

// A listening TCP socket on `address` (IPv4 or IPv6 text, the latter perhaps with %INTERFACE).
Fd listen_on(const std::string& address, const ListenOptions& options = {});

Endpoint local_endpoint(int fd);

// Which accept the server calls.
enum class AcceptCall { kAccept, kAccept4NonBlocking };

// Takes one connection and writes its accept row for the calling thread. When the listener is non-blocking and nothing waits, returns
// an empty descriptor (get() < 0) and writes nothing.
Fd accept_one(const TruthLog& log, const std::string& scenario, int listener, AcceptCall call = AcceptCall::kAccept,
              const Figures& figures = {});

// Fills in the ends and the protocol of the accepted connection `fd`; `peer` is what accept() said.
void describe_accepted(TruthRow& row, int fd, const sockaddr_storage& peer);

struct ConnectOptions {
  std::string from{};      // bind the client's address first; empty: any
  int protocol = 0;        // 0: TCP; or IPPROTO_MPTCP
  bool fast_open = false;  // send a byte along with the connect
};

// Connects to `to`, whose address may end in %INTERFACE, and writes the connect row of the calling thread.
Fd connect_to(const TruthLog& log, const std::string& scenario, const Endpoint& to, const ConnectOptions& options = {});

// Client end as the client saw it, for servers that cannot tell themselves.
Endpoint peer_endpoint(int fd);

// Reads what comes first, so that closing does not reset the connection for data nobody read.
void read_some(int fd);

// Reads until the other side closes. Does nothing without a descriptor.
void read_to_end(int fd);

}  // namespace tcpaccept::vm
