#include "record/session.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

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

capture::ClockAnchor now() {
  const kernel::ClockReading clocks = kernel::read_clocks();
  return {.monotonic = clocks.monotonic, .realtime = clocks.realtime, .boottime = clocks.boottime};
}

// The clocks are read one after the other, so two readings differ by some nanoseconds though no clock was set. Leaving that
// out keeps the wall times of a recording consistent, and its batches can be joined without changing any.
capture::ClockAnchor now(const capture::ClockAnchor& before) {
  constexpr std::uint64_t kReading = 2'000;
  capture::ClockAnchor clock = now();
  const auto keep = [&](std::uint64_t was, std::uint64_t is) {
    const std::uint64_t expected = was + (clock.monotonic - before.monotonic);
    return is - expected + kReading <= 2 * kReading ? expected : is;
  };
  clock.realtime = static_cast<std::int64_t>(
      keep(static_cast<std::uint64_t>(before.realtime), static_cast<std::uint64_t>(clock.realtime)));
  clock.boottime = keep(before.boottime, clock.boottime);
  return clock;
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
  Session(const SessionOptions& options, Consumer& consumer, Interrupts& interrupts)
      : options_(options),
        consumer_(consumer),
        interrupts_(interrupts),
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
    consumer_.prepare(start);
    // All that needs a privilege is done; what comes now is made by strangers.
    kernel::drop_privileges();
    tracer_.start();
    for (const std::string& line : {tracer_.info().unproved, tracer_.info().unwatched}) {
      if (!line.empty()) consumer_.notice(line);
    }
    for (const std::string& line : tracer_.info().warnings) consumer_.notice(line);
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

  // One draining of all rings. `ended`: processes that were asked for.
  void round(std::vector<std::uint32_t> ended = {}) {
    RawRound raw;
    const capture::ClockAnchor clock = now(pump_.clock());
    known_.set_now(clock.monotonic);
    kernel::Tended tended = tracer_.tend(clock.monotonic);
    for (const std::string& line : tended.said) consumer_.notice(line);
    for (const Gap& gap : tended.gaps) pump_.gap(gap);
    pump_.begin_round(clock);
    for (const std::uint32_t pid : ended) pump_.ended(pid);
    tracer_.drain([&](std::uint16_t cpu, Bytes records) {
      pump_.records(cpu, records);
      if (options_.raw != nullptr) raw.chunks.push_back({cpu, {records.begin(), records.end()}});
    });
    KernelCounts counts;
    const kernel::TracerCounters counters = tracer_.counters();
    counts.hits = counters.hits;
    counts.lost = counters.kernel_lost;
    counts.misses = counters.probe_misses;
    for (const kernel::CpuCounts& cpu : counters.by_cpu) {
      if (cpu.lost != 0 && cpu.lost != kNotRecorded64) counts.lost_by_cpu.push_back({cpu.cpu, cpu.lost});
    }
    if (options_.raw != nullptr) {
      raw.clock = clock;
      raw.counts = counts;
      raw.gaps = std::move(tended.gaps);
      raw.processes = known_.take_new_processes();
      raw.cgroups = known_.take_new_cgroups();
      raw.ended = std::move(ended);
      options_.raw->write(raw);
    }
    pump_.end_round(counts);
    consumer_.round(pump_.totals(), pump_.pending(), clock.monotonic - started_.monotonic);
  }

  void wait_until_over() {
    const auto interval = static_cast<std::uint64_t>(options_.drain_interval_ms) * 1'000'000;
    const UniqueFd drain_timer = make_timer(interval, interval);
    if (options_.duration != 0) interrupts_.set_deadline(options_.duration);

    // Fixed places first, then the processes, then the rings.
    std::vector<pollfd> waits = {{interrupts_.signal_fd(), POLLIN, 0},
                                 {interrupts_.deadline_fd(), POLLIN, 0},
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
      std::vector<std::uint32_t> ended;
      for (std::size_t i = 0; i < processes_.size(); ++i) {
        pollfd& wait = waits[first_process + i];
        if (wait.revents == 0) continue;
        wait.fd = -1;
        wait.revents = 0;
        ended.push_back(options_.pump.pids[i]);
      }
      running -= ended.size();
      round(ended);
      if (pump_.done()) {
        result_.reason = "count";
        return;
      }
      if (auto reason = interrupts_.take()) {
        result_.reason = std::move(*reason);
        return;
      }
      if ((waits[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        result_.reason = "output closed";
        result_.output_closed = true;
        return;
      }
      if (!ended.empty() && running == 0) {
        result_.reason = "process " + std::to_string(ended.back()) + " ended";
        result_.process_ended = true;
        return;
      }
    }
  }

  const SessionOptions& options_;
  Consumer& consumer_;
  Interrupts& interrupts_;
  SessionResult result_;
  std::vector<UniqueFd> processes_;
  kernel::Tracer tracer_;
  kernel::CgroupTree cgroups_;
  Known known_;
  capture::ClockAnchor started_;
  Pump pump_;
  capture::Encoder encoder_;
};

}  // namespace

SessionResult run_session(const SessionOptions& options, Consumer& consumer, Interrupts& interrupts) {
  return Session{options, consumer, interrupts}.run();
}

}  // namespace tcpaccept::record
