#include "kernel/tracer.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "core/error.h"
#include "kernel/clock.h"
#include "kernel/gate.h"
#include "kernel/host_facts.h"
#include "kernel/keeper.h"
#include "kernel/loopback.h"
#include "kernel/probe.h"
#include "kernel/probe_plan.h"
#include "kernel/rescue.h"
#include "kernel/struct_layout.h"
#include "kernel/trace_instance.h"
#include "kernel/tracefs.h"
#include "kernel/watch.h"
#include "perf/record.h"
#include "perf/self_check.h"

namespace tcpaccept::kernel {
namespace {

// The symbols the kernel says it has. When it does not say, every plan is worth a try.
std::vector<KernelSymbol> read_symbols(const std::string& path, std::vector<std::string>& notes) {
  std::ifstream kallsyms{path};
  if (kallsyms && kallsyms.peek() != std::ifstream::traits_type::eof()) return find_probe_symbols(kallsyms);
  notes.push_back("cannot read " + path + ": samples are not checked for the address they come from");
  return all_probe_symbols();
}

// Kernels before 5.14 count a fetch that meets a bad address as a missed probe (x86's kprobe_fault_handler, removed in
// 5.14). Return probes fetch through NULL for every failed accept, and the MPTCP event through whatever a plain
// socket holds there, so for these the count says nothing.
bool faults_count_as_misses(const KernelPaths& paths) {
  unsigned major = 0;
  unsigned minor = 0;
  char dot = 0;
  std::ifstream release{paths.proc + "/sys/kernel/osrelease"};
  return release >> major >> dot >> minor && (major < 5 || (major == 5 && minor < 14));
}

// This thread under a name nobody can guess, on one CPU: its samples can then be told from all others by a filter of the
// kernel's, and land in one ring.
class OwnTask {
 public:
  OwnTask() {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
      throw system_error("cannot get random bytes", errno);
    }
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";
    for (; name_.size() < sizeof(Comm::bytes) - 1; random >>= 5) name_ += kLetters[random & 31];
    ::prctl(PR_GET_NAME, old_name_.data());
    ::prctl(PR_SET_NAME, name_.c_str());
    pinned_ = ::sched_getaffinity(0, sizeof old_cpus_, &old_cpus_) == 0;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<unsigned>(std::max(0, ::sched_getcpu())), &only);
    pinned_ = pinned_ && ::sched_setaffinity(0, sizeof only, &only) == 0;
  }
  ~OwnTask() {
    ::prctl(PR_SET_NAME, old_name_.data());
    if (pinned_) ::sched_setaffinity(0, sizeof old_cpus_, &old_cpus_);
  }
  OwnTask(const OwnTask&) = delete;
  OwnTask& operator=(const OwnTask&) = delete;

  const std::string& name() const { return name_; }
  // Where it runs, or all CPUs if it could not be held on one (more than 1,024 of them).
  std::vector<std::uint16_t> cpus(const KernelPaths& paths) const {
    return pinned_ ? std::vector{static_cast<std::uint16_t>(::sched_getcpu())} : online_cpus(paths);
  }

 private:
  std::string name_ = "tcpaccept-";
  std::array<char, 16> old_name_{};
  cpu_set_t old_cpus_{};
  bool pinned_ = false;
};

// Much of what is read is best effort, and would be taken for missing where descriptors are short. Throws Error if
// there are not so many left.
void expect_descriptors(int count) {
  std::vector<UniqueFd> fds;
  for (int i = 0; i < count; ++i) {
    fds.emplace_back(::open("/", O_PATH | O_CLOEXEC));
    if (!fds.back().valid()) throw system_error("cannot set up a probe", errno);
  }
}

constexpr std::uint64_t kTendInterval = 1'000'000'000;
constexpr std::uint64_t kTick = 12'000'000;  // the longest, with CONFIG_HZ=100

// Notes and self-test lines are known to anonymize/texts.cc: what it does not know is cut from an anonymised capture.
std::string plan_line(const PassedPlan& plan) { return "plan " + plan.name + ": " + plan.why; }

// One line for all plans that failed: the reason alone when it is the same for each of them.
Error no_plan(const std::vector<PassedPlan>& failed, bool forced) {
  const auto same = [&](const PassedPlan& plan) { return plan.why == failed.front().why; };
  if (!failed.empty() && std::all_of(failed.begin(), failed.end(), same)) {
    return Error{failed.front().why + (forced ? "; try without --plan" : "")};
  }
  std::string line = "no probe works on this kernel";
  const char* separator = ": ";
  for (const PassedPlan& plan : failed) {
    line += separator + plan_line(plan);
    separator = "; ";
  }
  return Error{line + "; use a kernel with CONFIG_SECURITY_NETWORK and CONFIG_KPROBES_ON_FTRACE"};
}

std::string joined_filters(const std::vector<InstalledEvent>& events) {
  std::string joined;
  for (const InstalledEvent& event : events) {
    if (!joined.empty()) joined += " | ";
    joined += event.filter;
  }
  return joined;
}

}  // namespace

struct Tracer::Impl {
  explicit Impl(const KernelPaths& paths) : tracefs(paths), switches(paths), cpus(paths) {}

  TracerInfo info;
  Tracefs tracefs;
  SwitchWatch switches;
  CpuWatch cpus;
  // Order matters: the events are closed before the probe they use is removed.
  std::optional<Keeper> keeper;  // has the probe once it is there
  std::optional<Probe> probe;
  std::optional<PerfEvents> events;
  std::optional<Rescue> rescue;  // for plans and machines where that can be
  std::map<std::uint16_t, std::vector<std::byte>> stash;  // records for the next drain()
  bool stopped = false;
  UniqueFd profile_file;
  bool misses_mean_something = true;
  std::vector<std::string> event_names;

  // What the accessors say after close().
  std::vector<CpuCounts> last_counts;
  std::uint64_t last_corrupt = 0;

  // The kernel's own count of calls of the probed function, whatever became of them, and of calls it could not probe.
  std::optional<ProbeProfile> at_start;

  // As of the last tend().
  std::uint64_t tended_at = 0;
  std::uint64_t looked_at = 0;  // at the switches
  std::string off;
  bool removed = false;
  // Calls of the probed function since start() that no event counted: other protocols, and what went unseen. At least
  // this many; the true number stood at some time between reading the calls and reading the counts.
  std::uint64_t uncounted = 0;
  bool look_again = false;
  std::uint64_t suspended = 0;  // nanoseconds since boot
  std::uint64_t known_misses = kNotRecorded64;
  bool trace_was_off = false;  // since the last time that all CPUs were seen to
  std::map<std::uint16_t, std::string> blind;  // CPUs whose events could not be opened again, and why
  std::vector<Gap> first_gaps;                 // what was unseen from the start

  void try_plan(const ProbePlan& plan, const TracerOptions& options, const NameSource& names) {
    probe.emplace(tracefs, plan, names);
    perf::DecoderConfig config;
    config.probe_address = plan.address;
    std::vector<EventToOpen> to_open;
    for (const InstalledEvent& event : probe->events()) {
      to_open.push_back({.id = event.id, .filter = event.filter});
      config.formats.push_back(event.format);
    }
    const std::uint64_t test_begun = read_clocks().monotonic;
    self_test(to_open, config, plan, options.paths);
    info.self_test_ns = read_clocks().monotonic - test_begun;

    const bool old_cgroups = perf_cgroups_are_v1(options.paths);
    const bool no_cgroup = old_cgroups || perf_cgroups_are_idle(options.paths);
    EventOpener opener{to_open, options.ring_bytes, !no_cgroup};
    events.emplace(opener, online_cpus(options.paths));
    if (no_cgroup) {
      info.notes.push_back(old_cgroups ? "cgroups are not recorded: the perf_event controller is on a hierarchy of "
                                         "cgroup version 1; boot with cgroup_no_v1=perf_event"
                                       : "cgroups are not recorded: no controller was given to any (\"echo +pids > "
                                         "/sys/fs/cgroup/cgroup.subtree_control\" before the recorder starts)");
    }
    if (const std::string why = attach_gates(*events); !why.empty()) {
      info.notes.push_back("no BPF program keeps plain TCP off the MPTCP event (" + why +
                           "): each accept costs some thousand instructions more");
    }
    config.layout.cgroup = opener.has_cgroup();
    std::vector<std::string> full_names;
    for (const InstalledEvent& event : probe->events()) full_names.push_back(full_name(event.name));
    constexpr int kForRecording = 8;
    expect_descriptors(kForRecording);
    keeper.emplace(tracefs, full_names, opener);  // the last thing that can fail

    info.plan = plan.name;
    info.symbol = plan.symbol;
    for (const InstalledEvent& event : probe->events()) {
      info.definitions.push_back(event.definition);
      event_names.push_back(event.name);
    }
    info.filter = joined_filters(probe->events());
    info.notes.insert(info.notes.end(), plan.notes.begin(), plan.notes.end());
    info.cpus = events->cpus();
    info.ring_bytes = opener.ring_bytes();
    info.decoder = std::move(config);
    // ftrace names threads as the first pid namespace does, and what is not filtered there is told by its protocol.
    if (!plan.is_return && info.filter.starts_with("proto") && pid_namespace(options.paths) == kFirstPidNamespace) {
      rescue.emplace(info.decoder, probe->events().front().id, options.paths);
    }
    profile_file = tracefs.open_profile();
    if ((plan.is_return || probe->events().size() > 1) && faults_count_as_misses(options.paths)) {
      info.notes.push_back("probe misses are not recorded: this kernel counts failed fetches among them");
      misses_mean_something = false;
      if (plan.is_return) {
        info.warnings.push_back("this kernel cannot count what a return probe misses: whether accepts are missing will "
                                "not be known");
      }
    }
    if (plan.is_return) note_waiting_threads(plan, options.paths);
    probe->release();
    tracefs.close_commands();
  }

  // Accepts connections of our own and compares what the probe shows of them. Their samples are in the ring when
  // accept() returns: the probe runs inside of it.
  void self_test(const std::vector<EventToOpen>& to_open, perf::DecoderConfig config, const ProbePlan& plan,
                 const KernelPaths& paths) {
    constexpr std::uint64_t kSmallRing = 65536;
    const OwnTask task;
    std::vector<EventToOpen> own_events = to_open;
    for (EventToOpen& event : own_events) {
      event.filter = (event.filter.empty() ? "" : "(" + event.filter + ") && ") + "comm==\"" + task.name() + "\"";
    }
    EventOpener opener{own_events, kSmallRing};
    PerfEvents own_rings{opener, task.cpus(paths)};
    config.layout.cgroup = opener.has_cgroup();
    const perf::Decoder decoder{config};  // the samples can be understood, or this plan is no use
    attach_gates(own_rings);
    own_rings.enable();
    const std::vector<perf::OwnAccept> own = make_own_accepts();
    std::vector<Accept> seen;
    own_rings.drain([&](std::uint16_t, Bytes records) {
      Bytes record;
      while (perf::next_record(records, record)) {
        const perf::Decoded decoded = decoder.decode(record);
        const auto* accept = std::get_if<Accept>(&decoded);
        if (accept == nullptr) continue;
        // An MPTCP accept comes from two events (record/pump.h joins them).
        const bool again = accept->listener.protocol == kProtocolMptcp && !seen.empty() &&
                           seen.back().rport == accept->rport && seen.back().tid == accept->tid;
        if (!again) seen.push_back(*accept);
      }
    });
    perf::SelfCheck check = perf::check_own_accepts(own, seen, !plan.is_return);
    if (!check.passed) {
      std::string why = "the self-test failed";
      const char* separator = ": ";
      for (const std::string& line : check.lines) {
        why += separator + line;
        separator = "; ";
      }
      if (seen.empty() && ::access(paths.kprobes_enabled.c_str(), R_OK) != 0) {
        why += "; kprobes may be switched off: mount debugfs (\"mount -t debugfs nodev /sys/kernel/debug\") and look "
               "at " + paths.kprobes_enabled;
      }
      throw Error{why};
    }
    info.unproved.clear();
    if (!check.proved) {
      info.unproved = "the probe is not proved to work, no connection of our own could be made (" + check.lines.front() +
                      "); see to the loopback interface, for example with \"ip link set lo up\"";
      info.notes.push_back(info.unproved);
    }
    info.self_test = std::move(check.lines);
  }

  // Returns "" or why it could not be done.
  std::string attach_gates(PerfEvents& to) const {
    for (std::size_t i = 0; i < probe->events().size(); ++i) {
      const InstalledEvent& event = probe->events()[i];
      if (event.gate && !to.attach(i, load_gate(*event.gate))) return errno_text(errno);
    }
    return "";
  }

  void note_waiting_threads(const ProbePlan& plan, const KernelPaths& paths) {
    const std::optional<std::uint64_t> waiting = threads_waiting_in(plan.symbol, paths);
    if (waiting == 0u) return;
    first_gaps.push_back({.reason = GapReason::kWaitingThreads, .at_most = waiting.value_or(kNotRecorded64)});
  }

  std::string stop_all() {
    events.reset();
    probe.reset();
    if (rescue) rescue->close();
    return keeper ? keeper->close() : "";
  }

  // Of our probe; nothing when the kernel does not list one of its events. A call is a call of each of them, as is one that
  // is missed (kprobes_inc_nmissed_count, kernel/kprobes.c, 6.1).
  std::optional<ProbeProfile> profile() const {
    ProbeProfile most;
    for (const std::string& name : event_names) {
      const auto profiled = Tracefs::profile(profile_file.get(), name);
      if (!profiled) return std::nullopt;
      most.hits = std::max(most.hits, profiled->hits);
      most.misses = std::max(most.misses, profiled->misses);
    }
    return most;
  }

  // The kernel makes up the text of this for all probes of the machine: not for every round.
  void read_misses(const std::optional<ProbeProfile>& now) {
    known_misses = now && at_start && misses_mean_something ? now->misses - at_start->misses : kNotRecorded64;
  }

  std::uint64_t sum_of_hits() {
    std::uint64_t sum = 0;
    for (const CpuCounts& cpu : events->counts()) sum += cpu.hits;
    return sum + (rescue ? rescue->count() : 0);
  }

  std::optional<std::uint64_t> calls(const std::optional<ProbeProfile>& now) const {
    if (!now || !at_start) return std::nullopt;
    return now->hits - at_start->hits;
  }

  // An upper bound of what `uncounted` is a lower bound of. Accepts go on while it is read, so that it takes a few
  // tries to read it well.
  std::optional<std::uint64_t> most_uncounted() {
    constexpr int kTries = 50;
    std::optional<std::uint64_t> least;
    for (int i = 0; i < kTries && (!least || *least > uncounted); ++i) {
      const std::uint64_t counted = sum_of_hits();
      const auto called = calls(profile());
      if (!called) return std::nullopt;
      const std::uint64_t rest = *called - std::min(*called, counted);
      least = std::min(least.value_or(rest), rest);
    }
    return least;
  }

  void tend_switches(std::uint64_t now, Tended& tended) {
    bool touched = false;
    const std::string now_off = switches.look(touched);
    if (touched || !now_off.empty() || !off.empty()) {
      tended.gaps.push_back({.begin = looked_at, .end = now, .reason = GapReason::kProbesOff});
    }
    looked_at = now;
    if (now_off != off) tended.said.push_back(now_off.empty() ? "probes are switched on again" : now_off);
    off = now_off;
  }

  // Has ftrace record on the CPUs that are offline now. False if it did not on one of them until now.
  bool trace_offline() {
    bool all = true;
    const std::vector<std::uint16_t> online = cpus.online();
    for (const std::uint16_t cpu : cpus.present()) {
      if (traced(cpu) || std::find(online.begin(), online.end(), cpu) != online.end()) continue;
      all = false;
      if (!rescue) continue;
      try {
        Keeper::Trace trace = keeper->trace(cpu);
        rescue->add(cpu, std::move(trace.pipe));
        rescue->watch(std::move(trace.switches));
      } catch (const Error&) {  // what a CPU accepts before its event is open is then a gap
        if (rescue->cpus().empty()) rescue.reset();
      }
    }
    return all;
  }

  bool traced(std::uint16_t cpu) const { return rescue && rescue->has(cpu); }

  void keep(std::uint16_t cpu, Bytes records) { stash[cpu].insert(stash[cpu].end(), records.begin(), records.end()); }

  // Adds to the next drain what ftrace alone has of a CPU whose events were dead. False if that may not be all.
  bool rescue_from(std::uint16_t cpu, bool alive) {
    if (!traced(cpu)) return false;
    rescue->read(cpu);
    trace_was_off |= !rescue->recording();
    events->drain([&](std::uint16_t of, Bytes records) {
      rescue->seen(of, records);
      keep(of, records);
    });
    keep(cpu, rescue->take(cpu, alive));
    return rescue->whole(cpu) && !trace_was_off;
  }

  std::vector<std::uint16_t> traced_cpus() const { return rescue ? rescue->cpus() : std::vector<std::uint16_t>{}; }

  // CPUs came or went since the last call, or may have. Where nobody announces that, dead events tell.
  bool cpus_changed() {
    return cpus.changed() || (!cpus.heard() && any_dead());
  }

  // The machine was suspended since the last call: all CPUs but one went and came, and nobody announces that
  // (freeze_secondary_cpus, kernel/cpu.c, 6.1).
  bool was_suspended() {
    constexpr std::uint64_t kNone = 1'000'000;  // the two clocks are read one after the other
    const auto clock = read_clocks();
    const std::uint64_t now = clock.boottime - clock.monotonic;
    return now - std::exchange(suspended, now) + kNone > 2 * kNone;
  }

  bool any_dead() const {
    const std::vector<std::uint16_t> online = cpus.online();
    return std::any_of(online.begin(), online.end(),
                       [&](std::uint16_t cpu) { return !blind.contains(cpu) && !events->alive(cpu, kTick); });
  }

  void tend_cpus(Tended& tended) {
    bool changed = !blind.empty() || look_again;
    trace_was_off = (trace_was_off && look_again) || (rescue && !rescue->recording());
    for (const std::uint16_t cpu : traced_cpus()) {
      const bool ran = rescue->read(cpu);
      if (events->alive(cpu, ran ? kTick : 0)) keep(cpu, rescue->settle(cpu));
      else changed |= ran;  // it came, whoever announces that
    }
    changed |= cpus_changed() || trace_was_off;
    if (!changed) return;
    look_again = false;
    bool settled = trace_offline();
    for (const std::uint16_t cpu : cpus.online()) {
      if (events->alive(cpu, kTick)) continue;
      std::string why;
      try {
        std::vector<UniqueFd> opened = keeper->open(cpu);
        if (opened.empty()) {  // on its way up, or offline again
          look_again = true;
          continue;
        }
        events->revive(cpu, std::move(opened));
      } catch (const Error& error) {
        why = error.what();
      }
      const bool rescued = rescue_from(cpu, why.empty());
      const std::uint64_t now = read_clocks().monotonic;
      Gap gap{.begin = tended_at, .end = now, .cpu = cpu, .reason = GapReason::kCpuOnline};
      if (!why.empty()) {
        if (blind[cpu] != why) {
          tended.said.push_back("accepts on CPU " + std::to_string(cpu) + ", which came online, are not seen: " + why);
        }
        blind[cpu] = why;
      } else {
        blind.erase(cpu);
        if (rescued) continue;
        settled = true;
        if (const auto now_uncounted = most_uncounted()) {
          gap.at_most = *now_uncounted - std::min(*now_uncounted, uncounted);
        }
      }
      if (gap.at_most != 0) tended.gaps.push_back(gap);
    }
    for (const std::uint16_t cpu : traced_cpus()) {
      if (!events->alive(cpu, kTick) && !rescue_from(cpu, false)) settled = false;
    }
    if (settled || look_again || !blind.empty()) return;
    // One that came and went again between two looks accepted unseen, too.
    if (const auto now_uncounted = most_uncounted(); now_uncounted && *now_uncounted > uncounted) {
      tended.gaps.push_back({.begin = tended_at, .end = read_clocks().monotonic, .reason = GapReason::kCpuOnline,
                             .at_most = *now_uncounted - uncounted});
    }
  }
};

Tracer::Tracer(const TracerOptions& options) {
  rounded_ring_bytes(options.ring_bytes);  // a wrong size is said before anything is touched
  // The keeper could name no process of ours, and what /proc says of time would be another clock's.
  if (const std::string kind = foreign_children(options.paths); !kind.empty()) {
    throw Error{"child processes would be in another " + kind + " namespace than this one (unshare --" + kind +
                " without --fork); add --fork"};
  }
  // The ring of a CPU that comes online later is mapped without privileges. No harm if this is refused.
  const rlimit no_limit{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &no_limit);
  // One descriptor for each event and CPU.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  constexpr int kForSetup = 16;  // without the perf events of each CPU, which say so themselves
  expect_descriptors(kForSetup);
  impl_ = std::make_unique<Impl>(options.paths);
  bool touched = false;
  if (const std::string off = impl_->switches.look(touched); !off.empty()) throw Error{off};
  TracerInfo& info = impl_->info;
  info.unwatched = impl_->switches.unwatched();
  if (!info.unwatched.empty()) info.notes.push_back(info.unwatched);
  sweep_stale_instances(impl_->tracefs.root(), options.paths);
  Swept swept = sweep_stale_probes(impl_->tracefs, options.paths);
  info.swept = std::move(swept.removed);
  info.warnings = std::move(swept.left);

  const SocketLayout layout = read_socket_layout(options.paths.btf);
  info.offsets = layout.source;
  if (!layout.note.empty()) info.notes.push_back(layout.note);
  const PlanChoice choice = make_plans(layout, read_symbols(options.paths.kallsyms, info.notes), options.plan);

  const NameSource names = random_names(this_owner(options.paths));
  // Plans in the order of preference, so that the notes name only those better than the one that works.
  std::vector<PassedPlan> failed;
  for (const std::string& name : plan_names()) {
    const auto called = [&](const auto& plan) { return plan.name == name; };
    const auto passed = std::find_if(choice.passed.begin(), choice.passed.end(), called);
    if (passed != choice.passed.end()) failed.push_back(*passed);
    const auto plan = std::find_if(choice.plans.begin(), choice.plans.end(), called);
    if (plan == choice.plans.end()) continue;
    try {
      impl_->try_plan(*plan, options, names);
      break;
    } catch (const Error& error) {
      impl_->stop_all();
      // Another plan would seem to be better, or fail for want of the same.
      if (is_shortage(error.cause())) throw;
      failed.push_back({.name = name, .why = error.what()});
    }
  }
  if (!impl_->events) throw no_plan(failed, !options.plan.empty());
  for (const PassedPlan& plan : failed) info.notes.push_back(plan_line(plan));
}

void Tracer::start() {
  impl_->at_start = impl_->profile();
  impl_->read_misses(impl_->at_start);
  impl_->tended_at = impl_->looked_at = read_clocks().monotonic;
  impl_->was_suspended();
  for (Gap& gap : impl_->first_gaps) gap.begin = gap.end = impl_->tended_at;
  impl_->events->enable();
  impl_->trace_offline();
}

std::vector<int> Tracer::watch_fds() const { return {impl_->switches.fd(), impl_->cpus.fd()}; }

Tended Tracer::tend(std::uint64_t now) {
  Impl& impl = *impl_;
  Tended tended{.gaps = std::exchange(impl.first_gaps, {}), .said = {}};
  if (!impl.events) return tended;
  // Every second, and at once when something announces itself.
  // The switches each time: another mount of /proc has other inodes, whose changes nobody tells us of.
  impl.tend_switches(now, tended);
  if (impl.stopped) return tended;
  const bool announced = impl.cpus.announced();
  impl.look_again |= impl.was_suspended();
  if (!announced && !impl.look_again && now - impl.tended_at < kTendInterval) return tended;
  impl.tend_cpus(tended);
  const auto profile = impl.profile();
  impl.read_misses(profile);
  const auto calls = impl.calls(profile);
  if (!calls && impl.at_start) {
    tended.gaps.push_back({.begin = impl.tended_at, .end = now, .reason = GapReason::kRemoved});
    if (!impl.removed) tended.said.push_back("the probe is gone: somebody removed it; start the recorder again");
    impl.removed = true;
  }
  if (calls) {
    const std::uint64_t counted = impl.sum_of_hits();
    // What a CPU accepted unseen must not be taken for what is always uncounted. A CPU is in the list of those online
    // before it runs anything, and has announced that it went before it comes back: so look at both now. Not everything
    // announces that (writes to a CPU's hotplug/target do not): calls that no event counted are a reason to look, too.
    const std::uint64_t rest = *calls - std::min(*calls, counted);
    if (impl.cpus_changed() || (rest > impl.uncounted && impl.any_dead())) {
      impl.look_again = true;
    } else if (!impl.look_again && impl.blind.empty()) {
      impl.uncounted = std::max(impl.uncounted, rest);
    }
  } else if (!impl.at_start && impl.any_dead()) {
    impl.look_again = true;
  }
  if (!impl.look_again) impl.tended_at = now;
  return tended;
}

Tracer::~Tracer() {
  if (impl_) close();
}

const TracerInfo& Tracer::info() const { return impl_->info; }

const std::vector<int>& Tracer::poll_fds() const {
  static const std::vector<int> none;
  return impl_->events ? impl_->events->poll_fds() : none;
}

void Tracer::drain(const Sink& sink) {
  if (!impl_->events) return;
  for (const auto& [cpu, records] : std::exchange(impl_->stash, {})) sink(cpu, records);
  impl_->events->drain([&](std::uint16_t cpu, Bytes records) {
    if (impl_->rescue) impl_->rescue->seen(cpu, records);
    sink(cpu, records);
  });
}

std::uint64_t Tracer::corrupt_rings() const {
  return impl_->events ? impl_->events->corrupt_rings() : impl_->last_corrupt;
}

TracerCounters Tracer::counters() const {
  TracerCounters sum;
  sum.by_cpu = impl_->events ? impl_->events->counts() : impl_->last_counts;
  for (const CpuCounts& cpu : sum.by_cpu) {
    sum.hits += cpu.hits;
    sum.kernel_lost = cpu.lost == kNotRecorded64 ? kNotRecorded64 : sum.kernel_lost + cpu.lost;
  }
  if (impl_->rescue) sum.hits += impl_->rescue->count();
  sum.probe_misses = impl_->known_misses;
  return sum;
}

void Tracer::stop() {
  if (!impl_->events) return;
  // The last look at CPUs, while their events can be told from dead ones: at all of them, whether or not one announced
  // itself.
  Tended last;
  impl_->look_again = true;
  impl_->tend_cpus(last);
  impl_->first_gaps.insert(impl_->first_gaps.end(), last.gaps.begin(), last.gaps.end());
  impl_->stopped = true;
  impl_->events->disable();
  impl_->read_misses(impl_->profile());
}

std::string Tracer::close() {
  if (impl_->events) {
    impl_->last_counts = impl_->events->counts();
    impl_->last_corrupt = impl_->events->corrupt_rings();
  }
  return impl_->stop_all();
}

}  // namespace tcpaccept::kernel
