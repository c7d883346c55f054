// Accepts through io_uring, with the system calls themselves so that no library is needed.
//
// Who accepts depends on how it is asked for: a plain request is completed by the thread that submitted it, a request marked
// IOSQE_ASYNC for which a connection waits already by a worker thread the kernel adds to the process (named iou-wrk-PID).
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

// One request at a time on a small ring.
class Ring {
 public:
  Ring() {
    fd_ = Fd(check(static_cast<int>(::syscall(SYS_io_uring_setup, kEntries, &parameters_)), "io_uring_setup"));
    submissions_ = map(parameters_.sq_off.array + parameters_.sq_entries * sizeof(std::uint32_t), IORING_OFF_SQ_RING);
    completions_ = map(parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    entries_ = static_cast<io_uring_sqe*>(map(parameters_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
  }

  // Hands a request to the kernel; does not wait for its completion.
  void submit(const io_uring_sqe& request) {
    std::uint32_t& tail = at(submissions_, parameters_.sq_off.tail);
    const std::uint32_t index = tail & at(submissions_, parameters_.sq_off.ring_mask);
    entries_[index] = request;
    (&at(submissions_, parameters_.sq_off.array))[index] = index;
    std::atomic_ref(tail).store(tail + 1, std::memory_order_release);
    enter(1, 0);
  }

  bool has_completion() const {
    return std::atomic_ref(at(completions_, parameters_.cq_off.tail)).load(std::memory_order_acquire) !=
           at(completions_, parameters_.cq_off.head);
  }

  // The next completion; sleeps until there is one. Throws what it failed with.
  int wait() {
    while (!has_completion()) enter(0, 1);
    std::uint32_t& head = at(completions_, parameters_.cq_off.head);
    const std::uint32_t index = head & at(completions_, parameters_.cq_off.ring_mask);
    const auto* entries = reinterpret_cast<const io_uring_cqe*>(static_cast<const char*>(completions_) + parameters_.cq_off.cqes);
    const int result = entries[index].res;
    std::atomic_ref(head).store(head + 1, std::memory_order_release);
    if (result < 0) throw std::system_error(-result, std::generic_category(), "io_uring accept");
    return result;
  }

 private:
  static constexpr unsigned kEntries = 4;

  void* map(std::size_t size, off_t what) const {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(), what);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap of an io_uring");
    return memory;  // for the life of the process
  }

  static std::uint32_t& at(void* ring, std::uint32_t offset) {
    return *reinterpret_cast<std::uint32_t*>(static_cast<char*>(ring) + offset);
  }

  void enter(unsigned submit, unsigned wanted) const {
    const unsigned flags = wanted > 0 ? IORING_ENTER_GETEVENTS : 0;
    const long result = ::syscall(SYS_io_uring_enter, fd_.get(), submit, wanted, flags, nullptr, std::size_t{0});
    if (result < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "io_uring_enter");
  }

  io_uring_params parameters_{};
  Fd fd_;
  void* submissions_ = nullptr;
  void* completions_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
};

io_uring_sqe accept_request(int listener, sockaddr_storage* peer, socklen_t* length) {
  io_uring_sqe request{};
  request.opcode = IORING_OP_ACCEPT;
  request.fd = listener;
  request.addr = reinterpret_cast<std::uintptr_t>(peer);
  request.addr2 = reinterpret_cast<std::uintptr_t>(length);
  return request;
}

constexpr int kConnections = 3;

// The connection comes when the request waits already; the submitting thread completes it.
void uring_plain(const Context& c) {
  const Fd listener = listen_on(c.v4_server);
  Child server([&] {
    set_comm("srv-uring");
    Ring ring;
    for (int i = 0; i < kConnections; ++i) {
      TruthRow row = new_row(Side::kAccept, c.name);
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      ring.submit(accept_request(listener.get(), &peer, &length));
      const Fd connection(ring.wait());
      row.after_ns = monotonic_ns();
      describe_accepted(row, connection.get(), peer);
      c.log.write(row);
    }
  });
  wait_until_in_call(server.pid(), server.pid(), SYS_io_uring_enter);
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  server.join();
}

// The kernel's worker threads of this process.
std::vector<std::pair<pid_t, std::string>> workers() {
  std::vector<std::pair<pid_t, std::string>> result;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    if (std::getline(file, name) && name.rfind("iou-wrk", 0) == 0) {
      result.emplace_back(std::stoi(task.path().filename().string()), name);
    }
  }
  return result;
}

// The connection waits already when the request comes; a worker completes it.
void uring_async(const Context& c) {
  const Fd listener = listen_on(c.v4_server);
  const std::array<Signal, kConnections> turns;
  Child server([&] {
    set_comm("srv-uring-async");
    Ring ring;
    for (const Signal& turn : turns) {
      turn.wait();
      TruthRow row = new_row(Side::kAccept, c.name);
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      io_uring_sqe request = accept_request(listener.get(), &peer, &length);
      request.flags = IOSQE_ASYNC;
      ring.submit(request);
      const Fd connection(ring.wait());
      row.after_ns = monotonic_ns();
      describe_accepted(row, connection.get(), peer);
      // Workers live on for some seconds. With several of them there is no telling which one it was: 0 is any.
      const auto crew = workers();
      if (crew.empty()) throw std::runtime_error("no worker thread made the accept");
      row.comm = crew.front().second;
      row.tid = crew.size() == 1 ? crew.front().first : 0;
      c.log.write(row);
    }
  });
  c.gate(server.pid());
  for (const Signal& turn : turns) {
    const Fd client = connect_to(c.log, c.name, reach(listener.get(), c.v4_server), {.from = c.v4_client});
    turn.raise();
    read_to_end(client.get());
  }
  server.join();
}

// One request, many accepts (Linux 5.19).
void uring_multishot(const Context& c) {
#ifdef IORING_ACCEPT_MULTISHOT
  enum Answer : std::uint64_t { kWaits = 1, kUnknown = 2 };
  const Fd listener = listen_on(c.v4_server);
  const Signal answer;
  Child server([&] {
    set_comm("srv-uring-multi");
    Ring ring;
    TruthRow row = new_row(Side::kAccept, c.name);
    io_uring_sqe request = accept_request(listener.get(), nullptr, nullptr);
    request.ioprio = IORING_ACCEPT_MULTISHOT;
    ring.submit(request);
    // No client has come yet: only a kernel that refuses the request has completed it.
    if (ring.has_completion()) return answer.raise(kUnknown);
    answer.raise(kWaits);
    for (int i = 0; i < kConnections; ++i) {
      const Fd connection(ring.wait());
      row.after_ns = monotonic_ns();
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      check(::getpeername(connection.get(), reinterpret_cast<sockaddr*>(&peer), &length), "getpeername");
      describe_accepted(row, connection.get(), peer);
      c.log.write(row);
      row.before_ns = monotonic_ns();
    }
  });
  if (answer.wait() == kUnknown) {
    server.join();
    return note(c, "no multishot accept in this kernel");
  }
  wait_until_in_call(server.pid(), server.pid(), SYS_io_uring_enter);
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  server.join();
#else
  note(c, "built without multishot accept");
#endif
}

}  // namespace

std::vector<Scenario> uring_scenarios() {
  return {
      {"uring", "io_uring accept, completed by the submitter", false, uring_plain},
      {"uring-async", "io_uring accept, completed by a worker thread", false, uring_async},
      {"uring-multi", "io_uring accept, one request for many", false, uring_multishot},
  };
}

}  // namespace tcpaccept::vm
