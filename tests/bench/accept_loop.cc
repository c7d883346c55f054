// The guest half of tests/bench/overhead in C++: makes accepts, and counts the processor time of a tracer's processes.
//
//   accept_loop accepts ROUNDS COUNT [PID]     ROUNDS times COUNT loopback accepts, after a warm-up that is not timed
//   accept_loop idle SECONDS PID               does nothing for so long
//   accept_loop run FILE PROGRAM [ARGUMENT]... runs a tracer until it and all it started have ended; SIGINT is passed on
//   accept_loop hold CGROUP (EVENT FILTER)...  opens trace events on CPU 0 in one ring and does not read it
//
// PID is a process started by `run`; with it the processor time of all its descendants is printed, before and after.
// `run` writes what they used until the end, and the tracer's exit status, to FILE. `hold` is a tracer without
// the part in user space: what it adds is the price of the probe itself. It counts its samples until SIGINT.
#include <arpa/inet.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr int kWarmUp = 500;
constexpr std::size_t kHeldPages = 4096;

[[noreturn]] void fail(const std::string& what) {
  std::perror(("accept_loop: " + what).c_str());
  ::_exit(1);
}

std::uint64_t nanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

int parent_of(int pid) {
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  std::getline(stat, line);
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos ? 0 : std::atoi(line.c_str() + name_end + 4);
}

// Nanoseconds that the processes below this one ran. Threads and processes that have ended are not in it.
std::uint64_t time_below(int ancestor) {
  namespace fs = std::filesystem;
  std::uint64_t sum = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{"/proc", error}) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid == 0 || pid == ancestor) continue;
    int up = pid;
    while (up > 1 && up != ancestor) up = parent_of(up);
    if (up != ancestor) continue;
    for (const auto& task : fs::directory_iterator{entry.path() / "task", error}) {
      std::uint64_t ran = 0;
      if (std::ifstream{task.path() / "schedstat"} >> ran) sum += ran;
    }
  }
  return sum;
}

void print_own(const char* when, int pid) {
  if (pid != 0) std::printf("%s %llu\n", when, static_cast<unsigned long long>(time_below(pid)));
}

// A client that resets its connection leaves no TIME_WAIT behind, so that every accept finds the same machine.
void one_accept(int listener, const sockaddr_in& address) {
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  constexpr linger kReset{1, 0};
  if (client < 0 || ::setsockopt(client, SOL_SOCKET, SO_LINGER, &kReset, sizeof kReset) != 0) fail("socket");
  if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (server < 0) fail("accept");
  ::close(client);
  ::close(server);
}

int accepts(int rounds, int count, int pid) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 16) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail("listen");
  }
  for (int i = 0; i < kWarmUp; ++i) one_accept(listener, address);
  print_own("own_before", pid);
  std::vector<std::uint64_t> took;
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t begun = nanos();
    for (int i = 0; i < count; ++i) one_accept(listener, address);
    took.push_back(nanos() - begun);
  }
  print_own("own_after", pid);
  for (const std::uint64_t ns : took) std::printf("round %llu\n", static_cast<unsigned long long>(ns));
  const long long timed = static_cast<long long>(rounds) * count;
  std::printf("timed %lld\nmade %lld\n", timed, timed + kWarmUp);
  return 0;
}

int idle(int seconds, int pid) {
  print_own("idle_before", pid);
  timespec rest{seconds, 0};
  while (::nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
  print_own("idle_after", pid);
  std::printf("idle_seconds %d\n", seconds);
  return 0;
}

volatile std::sig_atomic_t tracer = 0;
volatile std::sig_atomic_t interrupted = 0;

void pass_on(int signal) {
  interrupted = 1;
  if (tracer != 0) ::kill(tracer, signal);
}

int run(const char* file, char** command) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGINT, pass_on);
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    // A shell starts what runs in the background with SIGINT ignored.
    ::signal(SIGINT, SIG_DFL);
    ::execvp(command[0], command);
    fail(command[0]);
  }
  tracer = child;
  int result = 0;
  std::uint64_t micros = 0;
  for (;;) {
    int status = 0;
    rusage used{};
    const pid_t ended = ::wait4(-1, &status, 0, &used);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) break;
    // Includes the children this one has waited for itself.
    for (const timeval& part : {used.ru_utime, used.ru_stime}) {
      micros += static_cast<std::uint64_t>(part.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(part.tv_usec);
    }
    if (ended == child) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::ofstream{file} << "own_total " << micros * 1000 << "\nstatus " << result << "\n";
  return 0;
}

int open_event(const std::string& event, const char* filter, bool cgroup) {
  std::uint64_t id = 0;
  if (!(std::ifstream{"/sys/kernel/tracing/events/" + event + "/id"} >> id)) fail("no event " + event);
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof attr;
  attr.config = id;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW;
  if (cgroup) attr.sample_type |= PERF_SAMPLE_CGROUP;
  attr.watermark = 1;
  attr.wakeup_watermark = 1u << 31;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  const int fd = static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd < 0) fail("perf_event_open of " + event);
  if (*filter != '\0' && ::ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) != 0) fail(filter);
  return fd;
}

int hold(bool cgroup, char** pairs) {
  ::signal(SIGINT, pass_on);
  std::vector<int> fds;
  for (; pairs[0] != nullptr && pairs[1] != nullptr; pairs += 2) {
    fds.push_back(open_event(pairs[0], pairs[1], cgroup));
    const std::size_t bytes = (1 + kHeldPages) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    if (fds.size() > 1) {
      if (::ioctl(fds.back(), PERF_EVENT_IOC_SET_OUTPUT, fds.front()) != 0) fail("cannot share the ring");
    } else if (::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fds.back(), 0) == MAP_FAILED) {
      fail("cannot map the ring");
    }
  }
  while (interrupted == 0) ::usleep(3'600'000'000u);
  std::uint64_t sum = 0;
  for (const int fd : fds) {
    std::uint64_t value = 0;
    if (::read(fd, &value, sizeof value) == static_cast<ssize_t>(sizeof value)) sum += value;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(sum));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "accepts" && argc >= 4) {
    return accepts(std::atoi(argv[2]), std::atoi(argv[3]), argc > 4 ? std::atoi(argv[4]) : 0);
  }
  if (mode == "idle" && argc == 4) return idle(std::atoi(argv[2]), std::atoi(argv[3]));
  if (mode == "run" && argc >= 4) return run(argv[2], argv + 3);
  if (mode == "hold" && argc >= 5) return hold(std::strcmp(argv[2], "cgroup") == 0, argv + 3);
  std::fputs("usage: accept_loop accepts|idle|run|hold ... (see its source)\n", stderr);
  return 2;
}
