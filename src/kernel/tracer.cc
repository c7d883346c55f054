#include "kernel/tracer.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "core/error.h"
#include "kernel/host_facts.h"
#include "kernel/loopback.h"
#include "kernel/probe.h"
#include "kernel/probe_plan.h"
#include "kernel/struct_layout.h"
#include "kernel/tracefs.h"
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

// The switch that turns all probes silent while every call succeeds (sysctl kernel.ftrace_enabled).
void require_ftrace(const KernelPaths& paths) {
  std::ifstream file{paths.proc + "/sys/kernel/ftrace_enabled"};
  if (int enabled = 1; file >> enabled && enabled == 0) {
    throw Error{"kernel.ftrace_enabled is 0, so no probe delivers anything; switch it on with "
                "\"sysctl kernel.ftrace_enabled=1\""};
  }
}

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
  explicit Impl(const KernelPaths& paths) : tracefs(paths) {}

  TracerInfo info;
  Tracefs tracefs;
  // Order matters: the events are closed before the probe they use is removed.
  std::optional<Probe> probe;
  std::optional<PerfEvents> events;
  UniqueFd profile;          // invalid when its misses mean nothing
  std::vector<std::string> event_names;

  // What the self-test found in the rings, ours and others': handed out by the first drain.
  struct EarlyRecords {
    std::uint16_t cpu;
    std::vector<std::byte> bytes;
  };
  std::vector<EarlyRecords> early;

  // What the accessors say after close().
  std::vector<CpuCounts> last_counts;
  std::uint64_t last_misses = kNotRecorded64;
  std::uint64_t last_corrupt = 0;

  void start(const ProbePlan& plan, const TracerOptions& options, const NameSource& names) {
    probe.emplace(tracefs, plan, names);
    perf::DecoderConfig config;
    config.probe_address = plan.address;
    std::vector<EventToOpen> to_open;
    for (const InstalledEvent& event : probe->events()) {
      to_open.push_back({.id = event.id, .filter = event.filter});
      config.formats.push_back(event.format);
    }
    events.emplace(to_open, online_cpus(options.paths), options.ring_bytes);
    config.layout.cgroup = events->has_cgroup();
    const perf::Decoder decoder{config};  // the samples can be understood, or this plan is no use
    events->enable();
    self_test(config, !plan.is_return);

    info.plan = plan.name;
    info.symbol = plan.symbol;
    for (const InstalledEvent& event : probe->events()) {
      info.definitions.push_back(event.definition);
      event_names.push_back(event.name);
    }
    info.filter = joined_filters(probe->events());
    info.notes.insert(info.notes.end(), plan.notes.begin(), plan.notes.end());
    info.cpus = events->cpus();
    info.ring_bytes = events->ring_bytes();
    info.decoder = std::move(config);
    if ((plan.is_return || probe->events().size() > 1) && faults_count_as_misses(options.paths)) {
      info.notes.push_back("probe misses are not recorded: this kernel counts failed fetches among them");
    } else {
      profile = tracefs.open_profile();
    }
  }

  // Accepts connections of our own and compares what the probe shows of them. Their samples are in the rings when
  // accept() returns: the probe runs inside of it.
  void self_test(const perf::DecoderConfig& config, bool exact_protocol) {
    const std::vector<perf::OwnAccept> own = make_own_accepts();
    const perf::Decoder decoder{config};
    std::vector<Accept> seen;
    events->drain([&](std::uint16_t cpu, Bytes records) {
      early.push_back({cpu, {records.begin(), records.end()}});
      Bytes record;
      while (perf::next_record(records, record)) {
        const perf::Decoded decoded = decoder.decode(record);
        if (const auto* accept = std::get_if<Accept>(&decoded)) seen.push_back(*accept);
      }
    });
    perf::SelfCheck check = perf::check_own_accepts(own, seen, exact_protocol);
    if (!check.passed) {
      std::string why = "the self-test failed";
      const char* separator = ": ";
      for (const std::string& line : check.lines) {
        why += separator + line;
        separator = "; ";
      }
      throw Error{why};
    }
    if (!check.proved) info.notes.push_back("no connection of our own could be made: the probe is not proved to work");
    info.self_test = std::move(check.lines);
  }

  std::string stop_all() {
    early.clear();
    events.reset();
    std::string left;
    if (probe) left = probe->remove();
    probe.reset();
    return left;
  }

  std::uint64_t misses() const {
    std::uint64_t sum = 0;
    for (const std::string& name : event_names) {
      const auto profiled = Tracefs::profile(profile.get(), name);
      if (!profiled) return kNotRecorded64;
      sum += profiled->misses;
    }
    return sum;
  }
};

Tracer::Tracer(const TracerOptions& options) {
  rounded_ring_bytes(options.ring_bytes);  // a wrong size is said before anything is touched
  impl_ = std::make_unique<Impl>(options.paths);
  require_ftrace(options.paths);
  TracerInfo& info = impl_->info;
  info.swept = sweep_stale_probes(impl_->tracefs, options.paths);

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
      impl_->start(*plan, options, names);
      break;
    } catch (const Error& error) {
      impl_->stop_all();
      failed.push_back({.name = name, .why = error.what()});
    }
  }
  if (!impl_->events) throw no_plan(failed, !options.plan.empty());
  for (const PassedPlan& plan : failed) info.notes.push_back(plan_line(plan));
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
  for (const Impl::EarlyRecords& records : std::exchange(impl_->early, {})) sink(records.cpu, records.bytes);
  if (impl_->events) impl_->events->drain(sink);
}

std::uint64_t Tracer::corrupt_rings() const {
  return impl_->events ? impl_->events->corrupt_rings() : impl_->last_corrupt;
}

std::vector<CpuCounts> Tracer::cpu_counts() const {
  return impl_->events ? impl_->events->counts() : impl_->last_counts;
}

TracerCounters Tracer::counters() const {
  TracerCounters sum;
  for (const CpuCounts& cpu : cpu_counts()) {
    sum.hits += cpu.hits;
    sum.kernel_lost = cpu.lost == kNotRecorded64 ? kNotRecorded64 : sum.kernel_lost + cpu.lost;
  }
  sum.probe_misses = impl_->events ? impl_->misses() : impl_->last_misses;
  return sum;
}

void Tracer::stop() {
  if (impl_->events) impl_->events->disable();
}

std::string Tracer::close() {
  if (impl_->events) {
    impl_->last_counts = impl_->events->counts();
    impl_->last_misses = impl_->misses();
    impl_->last_corrupt = impl_->events->corrupt_rings();
  }
  return impl_->stop_all();
}

}  // namespace tcpaccept::kernel
