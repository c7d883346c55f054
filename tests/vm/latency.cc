#include "latency.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <stdexcept>

#include "net.h"
#include "scenarios.h"

namespace tcpaccept::vm {

namespace {

double ms_since(std::int64_t start_ns) { return static_cast<double>(monotonic_ns() - start_ns) / 1e6; }

// Lines of a pipe, with a limit on the wait for each.
class LineReader {
 public:
  explicit LineReader(int fd) : fd_(fd) {}

  std::optional<std::string> next(double timeout_ms) {
    const std::int64_t start = monotonic_ns();
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      const double left = timeout_ms - ms_since(start);
      pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
      if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left) + 1) <= 0) return std::nullopt;
      std::array<char, 4096> bytes{};
      const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
      if (got <= 0) return std::nullopt;
      buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
  std::string buffer_;
};

pid_t start(const std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));  // execvp's old signature
  arguments.push_back(nullptr);
  const pid_t pid = check(::fork(), "fork");
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : {SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_DFL);
  ::dup2(output, STDOUT_FILENO);
  ::execvp(arguments.front(), arguments.data());
  std::perror(arguments.front());
  ::_exit(127);
}

}  // namespace

int measure_latency(const LatencyOptions& options) {
  std::array<int, 2> ends{};
  check(::pipe(ends.data()), "pipe");
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  ::fcntl(reading.get(), F_SETFD, FD_CLOEXEC);
  const pid_t tracer = start(options.command, writing.get());
  writing.reset();

  LineReader lines(reading.get());
  std::string failure;
  bool started = false;
  while (!started && failure.empty()) {
    const std::optional<std::string> line = lines.next(options.header_s * 1000);
    if (!line) failure = "no column header within the time";
    started = line && line->find("RADDR") != std::string::npos;
  }

  const TruthLog no_log("");
  Context context{.log = no_log};
  choose_addresses(context);
  std::vector<double> times;
  if (started) {
    const Fd listener = listen_on(context.v4_server);
    Endpoint server = local_endpoint(listener.get());
    for (int i = 0; i < options.count && failure.empty(); ++i) {
      // Spaced unevenly, so that the accepts meet every phase of a reader that polls.
      const timespec pause{.tv_sec = 0, .tv_nsec = (60 + (i * 37) % 100) * 1'000'000};
      ::nanosleep(&pause, nullptr);
      const Fd client = connect_to(no_log, "latency", server, {.from = context.v4_client});
      const std::string port = " " + std::to_string(local_endpoint(client.get()).port) + " ";
      const Fd connection = accept_one(no_log, "latency", listener.get());
      const std::int64_t accepted = monotonic_ns();
      for (;;) {
        const std::optional<std::string> line = lines.next(5000);
        if (!line) {
          failure = "the row of accept " + std::to_string(i + 1) + " did not arrive within 5 s";
          break;
        }
        if (line->find(port) != std::string::npos) {
          times.push_back(ms_since(accepted));
          break;
        }
      }
    }
  }

  ::kill(tracer, SIGINT);
  int status = 0;
  check(::waitpid(tracer, &status, 0), "waitpid");
  if (failure.empty() && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
    failure = WIFEXITED(status) ? "the tracer ended with status " + std::to_string(WEXITSTATUS(status)) + " after SIGINT"
                                : "the tracer died of signal " + std::to_string(WTERMSIG(status)) + " after SIGINT";
  }
  if (!times.empty()) {
    std::sort(times.begin(), times.end());
    std::printf("latency: rows %zu median %.1f ms max %.1f ms\n", times.size(), times[times.size() / 2], times.back());
    if (failure.empty() && times.back() > options.limit_ms) failure = "a row took longer than the limit";
  }
  if (failure.empty()) return 0;
  std::fprintf(stderr, "vm-workload: latency: %s\n", failure.c_str());
  return 1;
}

}  // namespace tcpaccept::vm
