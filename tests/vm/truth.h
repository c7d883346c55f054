// The truth log of the VM tests: what servers and clients themselves know about their connections, as CSV.
//
// It exists so that the tracer is judged by the parties to the connection and by nothing else: pid, tid and comm come from the accepting
// thread, addresses from accept(), getpeername() and getsockname(). It deliberately shares no code with the product.
//
// Each row is one write() to a file opened for appending, so many processes and threads share one log without locks.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tcpaccept::vm {

// One end of a connection. An IPv4 address that arrived inside IPv6 (::ffff:a.b.c.d) is kept as IPv4 with `mapped` set.
struct Endpoint {
  std::string address;     // text as inet_ntop prints it
  std::uint16_t port = 0;  // host order
  int family = 0;          // family of the socket: AF_INET or AF_INET6, also AF_INET6 when mapped
  bool mapped = false;

  bool operator==(const Endpoint&) const = default;
};

// Which party wrote a row. Rows of kAccept are what a tracer must show, one for one; kConnect rows are the clients' view.
enum class Side { kAccept, kConnect };

// What the server knows about the accept queue.
struct Figures {
  int ahead = -1;    // connections that waited already when this one was established
  int backlog = -1;  // argument of listen()
  // Whether the server's kernel can have measured a round trip to this client ("some", "none"); empty: not looked at.
  std::string rtt{};
};

struct TruthRow {
  Side side = Side::kAccept;
  std::string scenario;
  std::int64_t before_ns = 0;  // CLOCK_MONOTONIC before accept() or connect() was called
  std::int64_t after_ns = 0;   // and after it returned
  std::int64_t pid = 0;
  std::int64_t tid = 0;
  std::string comm;  // raw bytes, at most 15
  Endpoint remote;   // seen from the party that wrote the row
  Endpoint local;
  int protocol = 6;  // 6 TCP, 262 MPTCP

  // From here on 0, -1 and empty mean that the party does not know, and nothing is compared.
  std::int64_t nspid = 0;      // pid in the process's own pid namespace
  std::uint64_t netns = 0;     // inode of its network namespace
  std::uint64_t cgroup = 0;    // inode of its cgroup v2 directory
  std::string cgroup_path;     // as /proc/self/cgroup has it
  bool in_kernel = false;      // accepted by the kernel itself: pid and tid are some worker's, comm begins with "kworker/"
  Figures figures{};
};

// The first line of a truth log.
std::string truth_header();

// One CSV line (RFC 4180 quoting), with its line end.
std::string format_row(const TruthRow& row);

// Text form of a socket address of AF_INET or AF_INET6; throws std::runtime_error on another family.
Endpoint to_endpoint(const sockaddr_storage& address);

// Where rows go. Opens for appending and writes the header when the file is new or empty; without a path rows are dropped.
// Throws std::system_error. Survives fork(): all processes append to the same file.
class TruthLog {
 public:
  explicit TruthLog(const std::string& path);
  ~TruthLog();
  TruthLog(const TruthLog&) = delete;
  TruthLog& operator=(const TruthLog&) = delete;

  void write(const TruthRow& row) const;
  // False when rows are dropped.
  bool writes() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace tcpaccept::vm
