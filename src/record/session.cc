#include "record/session.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "capture/codec.h"
#include "core/error.h"
#include "core/unique_fd.h"
#include "kernel/clock.h"
#include "kernel/host_facts.h"
#include "kernel/identity.h"
#include "kernel/privileges.h"
#include "record/known.h"

namespace tcpaccept::record {
namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

capture::ClockAnchor now() {
  const kernel::ClockReading clocks = kernel::read_clocks();
  return {.monotonic = clocks.monotonic, .realtime = clocks.realtime, .boottime = clocks.boottime};
}

// Turns the signals that end a session into a descriptor, for as long as it lives. SIGPIPE is ignored meanwhile:
// a closed pipe is an error of write(2) like any other.
class EndSignals {
 public:
  EndSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    old_pipe_ = ::signal(SIGPIPE, SIG_IGN);
    fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_.valid()) throw system_error("cannot wait for signals", errno);
  }
  ~EndSignals() {
    ::signal(SIGPIPE, old_pipe_);
    // A second Ctrl-C that came while ending must not kill what follows.
    signalfd_siginfo info;
    while (::read(fd_.get(), &info, sizeof info) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  int fd() const { return fd_.get(); }
  std::string take() {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return "signal";
    const char* name = ::sigabbrev_np(static_cast<int>(info.ssi_signo));
    return std::string{"signal SIG"} + (name != nullptr ? name : "?");
  }

 private:
  UniqueFd fd_;
  sigset_t before_{};
  void (*old_pipe_)(int) = SIG_DFL;
};

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

// The traced processes, as descriptors that tell of their end. Throws if one is not there to begin with.
std::vector<UniqueFd> watch(const SessionOptions& options) {
  std::vector<UniqueFd> watched;
  for (const std::uint32_t number : options.pump.pids) {
    const auto pid = static_cast<pid_t>(number);
    const std::string name = "-p " + std::to_string(pid);
    switch (kernel::pid_kind(pid, options.tracer.paths)) {
      case kernel::PidKind::kNone:
        throw Error{name + ": there is no such process"};
      case kernel::PidKind::kThread:
        throw Error{name + ": that is a thread; its process is " +
                    std::to_string(kernel::process_of(pid, options.tracer.paths))};
      case kernel::PidKind::kProcess:
        break;
    }
    watched.push_back(kernel::open_pidfd(pid));
    if (watched.back().valid()) continue;
    if (errno == ESRCH) throw Error{name + ": there is no such process"};
    // Before Linux 5.3 a process cannot be watched; it is traced all the same.
    if (errno == ENOSYS) watched.pop_back();
    else throw system_error(name, errno);
  }
  return watched;
}

capture::Start describe(const SessionOptions& options, const kernel::TracerInfo& info,
                        const capture::ClockAnchor& clock) {
  const kernel::HostFacts host = kernel::read_host_facts(options.tracer.paths);
  return {.recorder = options.program,
          .host = host.host,
          .kernel = host.kernel,
          .kernel_build = host.kernel_build,
          .machine = host.machine,
          .distribution = host.distribution,
          .boot_id = host.boot_id,
          .cpus = host.cpus,
          .ring_bytes = info.ring_bytes,
          .pids = options.pump.pids,
          .probe = {.plan = info.plan,
                    .symbol = info.symbol,
                    .definitions = info.definitions,
                    .filter = info.filter,
                    .offsets = info.offsets,
                    .notes = info.notes,
                    .self_test = info.self_test},
          .clock = clock};
}

// The loop's state: tracer, pump and what is to be waited for.
class Session {
 public:
  Session(const SessionOptions& options, Consumer& consumer)
      : options_(options),
        consumer_(consumer),
        processes_(watch(options)),
        tracer_(options.tracer),
        cgroups_(options.tracer.paths),
        known_({.nspid = [&](std::uint32_t pid) { return kernel::nspid_of(pid, options_.tracer.paths); },
                .cgroup_path = [&](std::uint64_t id, std::uint32_t pid) { return cgroups_.path_of(id, pid); }}),
        started_(now()),
        pump_(tracer_.info().decoder, options.pump, started_,
              [&](const capture::Batch& batch) { consumer_.batch(batch); }, &known_) {}

  SessionResult run() {
    const capture::Start start = describe(options_, tracer_.info(), started_);
    if (options_.raw != nullptr) log_setup(start);
    // All that needs a privilege is open; what comes now is made by strangers.
    kernel::drop_privileges();
    tracer_.start();
    consumer_.start(start);
    wait_until_over();

    tracer_.stop();
    round();
    pump_.finish();
    if (options_.raw != nullptr) options_.raw->write(RawFinish{result_.reason});
    consumer_.end({.clock = pump_.clock(),
                   .written = pump_.totals().written,
                   .batches = pump_.totals().batches,
                   .reason = result_.reason});
    const std::string not_removed = tracer_.close();
    if (!not_removed.empty()) result_.warnings.push_back(not_removed);
    if (tracer_.corrupt_rings() != 0) {
      result_.warnings.push_back("a ring buffer was unreadable " + std::to_string(tracer_.corrupt_rings()) +
                                 " times; its content counts as lost");
    }
    result_.totals = pump_.totals();
    return result_;
  }

 private:
  void log_setup(const capture::Start& start) {
    const Bytes frame = encoder_.encode(start);
    options_.raw->write(RawSetup{.start_frame = {frame.begin(), frame.end()},
                                 .decoder = tracer_.info().decoder,
                                 .pump = options_.pump});
  }

  // One draining of all rings.
  void round() {
    RawRound raw;
    const capture::ClockAnchor clock = now();
    known_.set_now(clock.monotonic);
    kernel::Tended tended = tracer_.tend(clock.monotonic);
    for (const std::string& line : tended.said) consumer_.notice(line);
    for (const Gap& gap : tended.gaps) pump_.gap(gap);
    pump_.begin_round(clock);
    tracer_.drain([&](std::uint16_t cpu, Bytes records) {
      pump_.records(cpu, records);
      if (options_.raw != nullptr) raw.chunks.push_back({cpu, {records.begin(), records.end()}});
    });
    KernelCounts counts;
    const kernel::TracerCounters counters = tracer_.counters();
    counts.hits = counters.hits;
    counts.lost = counters.kernel_lost;
    counts.misses = counters.probe_misses;
    for (const kernel::CpuCounts& cpu : tracer_.cpu_counts()) {
      if (cpu.lost != 0 && cpu.lost != kNotRecorded64) counts.lost_by_cpu.push_back({cpu.cpu, cpu.lost});
    }
    if (options_.raw != nullptr) {
      raw.clock = clock;
      raw.counts = counts;
      raw.gaps = std::move(tended.gaps);
      raw.processes = known_.take_new_processes();
      raw.cgroups = known_.take_new_cgroups();
      options_.raw->write(raw);
    }
    pump_.end_round(counts);
    consumer_.round(pump_.totals(), pump_.pending(), clock.monotonic - started_.monotonic);
  }

  void wait_until_over() {
    const auto interval = static_cast<std::uint64_t>(options_.drain_interval_ms) * 1'000'000;
    const UniqueFd drain_timer = make_timer(interval, interval);
    const UniqueFd end_timer = options_.duration != 0 ? make_timer(options_.duration, 0) : UniqueFd{};

    // Fixed places first, then the processes, then the rings.
    std::vector<pollfd> waits = {{signals_.fd(), POLLIN, 0},
                                 {end_timer.get(), POLLIN, 0},
                                 {options_.watched_output, 0, 0},
                                 {drain_timer.get(), POLLIN, 0}};
    for (const int fd : tracer_.watch_fds()) waits.push_back({fd, POLLIN, 0});
    const std::size_t first_process = waits.size();
    for (const UniqueFd& process : processes_) waits.push_back({process.get(), POLLIN, 0});
    std::size_t running = processes_.size();
    const std::size_t first_ring = waits.size();

    for (;;) {
      // A CPU that comes online brings its ring along.
      for (std::size_t ring = waits.size() - first_ring; ring < tracer_.poll_fds().size(); ++ring) {
        waits.push_back({tracer_.poll_fds()[ring], POLLIN, 0});
      }
      if (::poll(waits.data(), waits.size(), -1) < 0) {
        if (errno == EINTR) continue;
        throw system_error("cannot wait for events", errno);
      }
      std::uint64_t ticks = 0;
      if ((waits[3].revents & POLLIN) != 0 && ::read(drain_timer.get(), &ticks, sizeof ticks) < 0 && errno != EAGAIN) {
        throw system_error("cannot read a timer", errno);
      }
      // A ring's descriptor that reports an error would be ready for ever.
      for (std::size_t i = first_ring; i < waits.size(); ++i) {
        if ((waits[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) waits[i].fd = -1;
      }
      round();
      if (pump_.done()) {
        result_.reason = "count";
        return;
      }
      if (waits[0].revents != 0) {
        result_.reason = signals_.take();
        return;
      }
      if (waits[1].revents != 0) {
        result_.reason = "duration";
        return;
      }
      if ((waits[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        result_.reason = "output closed";
        result_.output_closed = true;
        return;
      }
      for (std::size_t i = 0; i < processes_.size(); ++i) {
        pollfd& wait = waits[first_process + i];
        if (wait.revents == 0) continue;
        wait.fd = -1;
        if (--running != 0) continue;
        result_.reason = "process " + std::to_string(options_.pump.pids[i]) + " ended";
        result_.process_ended = true;
        return;
      }
    }
  }

  const SessionOptions& options_;
  Consumer& consumer_;
  SessionResult result_;
  EndSignals signals_;  // before the probe: a signal during set-up must end the session, not the process
  std::vector<UniqueFd> processes_;
  kernel::Tracer tracer_;
  kernel::CgroupTree cgroups_;
  Known known_;
  capture::ClockAnchor started_;
  Pump pump_;
  capture::Encoder encoder_;
};

}  // namespace

SessionResult run_session(const SessionOptions& options, Consumer& consumer) { return Session{options, consumer}.run(); }

}  // namespace tcpaccept::record
