#include "kernel/check.h"

#include <unistd.h>

#include <array>
#include <cinttypes>
#include <fstream>
#include <optional>

#include "core/error.h"
#include "kernel/host_facts.h"
#include "kernel/perf_events.h"
#include "kernel/probe_plan.h"
#include "kernel/struct_layout.h"
#include "kernel/tracefs.h"

namespace tcpaccept::kernel {
namespace {

// Numbers of include/uapi/linux/capability.h; CAP_PERFMON is newer than some C libraries.
struct Capability {
  unsigned number;
  const char* name;
};
constexpr Capability kDacOverride{1, "CAP_DAC_OVERRIDE"};
constexpr Capability kIpcLock{14, "CAP_IPC_LOCK"};
constexpr Capability kSysAdmin{21, "CAP_SYS_ADMIN"};
constexpr Capability kPerfmon{38, "CAP_PERFMON"};

class Checker {
 public:
  explicit Checker(const TracerOptions& options) : options_(options), paths_(options.paths) {}

  MachineCheck run() {
    const HostFacts host = read_host_facts(paths_);
    ok("kernel", host.kernel + " (" + host.machine + "), " + std::to_string(host.cpus) + " CPUs online");
    tracefs();
    lockdown();
    switches();
    symbols();
    btf();
    permissions();
    trial();
    return result_;
  }

 private:
  void ok(std::string what, std::string found) { result_.lines.push_back({true, std::move(what), std::move(found), ""}); }
  void problem(std::string what, std::string found, std::string remedy) {
    result_.lines.push_back({false, std::move(what), std::move(found), std::move(remedy)});
  }

  // Messages name the remedy behind the last semicolon.
  void problem_of(std::string what, const std::string& message) {
    const std::size_t cut = message.rfind("; ");
    problem(std::move(what), message.substr(0, cut), cut == std::string::npos ? "" : message.substr(cut + 2));
  }

  // The first word of a file, or nothing if it cannot be read.
  static std::optional<std::string> word(const std::string& path) {
    std::ifstream file{path};
    std::string text;
    if (!(file >> text)) return std::nullopt;
    return text;
  }

  // /sys/kernel of /sys/kernel/btf/vmlinux
  static std::string kernel_folder(const std::string& btf) {
    const std::size_t end = btf.rfind("/btf/");
    return btf.substr(0, end == std::string::npos ? btf.size() : end);
  }

  bool has(const Capability& capability) const { return (capabilities_ >> capability.number & 1) != 0; }

  void tracefs() {
    try {
      const Tracefs tracefs{paths_};
      ok("tracefs", "at " + tracefs.root());
      ok("kprobe events", tracefs.root() + "/kprobe_events can be written");
    } catch (const Error& error) {
      const std::string text = error.what();
      problem_of(text.find("kprobe_events") != std::string::npos ? "kprobe events" : "tracefs", text);
    }
  }

  void lockdown() {
    std::ifstream file{paths_.lockdown};
    std::string line;
    if (!std::getline(file, line)) {
      ok("lockdown", "not known (" + paths_.lockdown + " cannot be read)");
    } else if (line.find("[confidentiality]") != std::string::npos) {
      problem("lockdown", "confidentiality", "boot without lockdown=confidentiality");
    } else {
      ok("lockdown", line);
    }
  }

  void switches() {
    const auto ftrace = word(paths_.ftrace_enabled);
    if (ftrace == "0") {
      problem("ftrace", "kernel.ftrace_enabled is 0: no probe delivers anything", "sysctl kernel.ftrace_enabled=1");
    } else {
      ok("ftrace", ftrace ? "switched on" : "no switch that probes heed in this kernel");
    }
    if (word(paths_.kprobes_enabled) == "0") {
      problem("kprobes", "switched off in " + paths_.kprobes_enabled, "echo 1 > " + paths_.kprobes_enabled);
    }
  }

  void symbols() {
    std::ifstream kallsyms{paths_.kallsyms};
    if (!kallsyms) {
      problem("symbols", paths_.kallsyms + " cannot be read", "mount -t proc proc /proc");
      return;
    }
    const std::vector<KernelSymbol> found = find_probe_symbols(kallsyms);
    for (const KernelSymbol& wanted : all_probe_symbols()) {
      bool there = false;
      for (const KernelSymbol& symbol : found) there = there || symbol.name == wanted.name;
      // One of them is enough.
      ok("symbol", wanted.name + (there ? "" : " is not in this kernel"));
    }
    if (found.empty()) {
      problem("symbols", "none of the functions that can be probed", "a kernel with CONFIG_SECURITY_NETWORK is needed");
    }
  }

  void btf() {
    const SocketLayout layout = read_socket_layout(paths_.btf);
    if (layout.source == "btf") {
      ok("BTF", paths_.btf);
    } else {
      problem("BTF", layout.note + ": queue times, protocol and namespace will not be recorded",
              ::access(kernel_folder(paths_.btf).c_str(), F_OK) == 0 ? "a kernel with CONFIG_DEBUG_INFO_BTF has it"
                                                                     : "mount -t sysfs sysfs /sys");
    }
  }

  void permissions() {
    std::ifstream status{paths_.proc + "/self/status"};
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("CapEff:", 0) == 0) capabilities_ = std::stoull(line.substr(7), nullptr, 16);
    }
    std::string held;
    for (const Capability& capability : {kDacOverride, kIpcLock, kSysAdmin, kPerfmon}) {
      if (has(capability)) held += std::string{held.empty() ? "" : ", "} + capability.name;
    }
    ok("capabilities", held.empty() ? "none of those that help" : held);

    const auto level = word(paths_.proc + "/sys/kernel/perf_event_paranoid");
    if (!level) {
      problem("perf events", paths_.proc + "/sys/kernel/perf_event_paranoid cannot be read",
              "a kernel with CONFIG_PERF_EVENTS is needed, and /proc mounted");
      return;
    }
    const int paranoid = std::atoi(level->c_str());
    const std::string text = "kernel.perf_event_paranoid is " + *level;
    if (has(kSysAdmin) || paranoid < 0 || (paranoid <= 2 && has(kPerfmon))) {
      ok("perf events", text + ", and this process may open them");
    } else {
      problem("perf events", text + " and this process lacks the capability for it",
              paranoid > 2 ? "run as root, or with CAP_SYS_ADMIN" : "run as root, or with CAP_PERFMON");
    }
  }

  void trial() {
    try {
      Tracer tracer{options_};
      const TracerInfo& info = tracer.info();
      ok("probe", "plan " + info.plan + " on " + info.symbol + ", offsets from " + info.offsets);
      ok("ring memory", std::to_string(info.ring_bytes) + " bytes on each of " + std::to_string(info.cpus.size()) + " CPUs");
      for (const std::string& line : info.self_test) ok("self-test", line);
      ok("self-test", "took " + std::to_string(info.self_test_ns / 1'000'000) + " ms");
      for (const std::string& note : info.notes) {
        if (note != info.unproved) ok("note", note);
      }
      for (const std::string& warning : info.warnings) problem_of("probe", warning);
      if (!info.unproved.empty()) problem_of("self-test", info.unproved);
      const std::string left = tracer.close();
      if (!left.empty()) problem_of("probe", left);
      result_.works = left.empty();
      result_.proved = info.unproved.empty();
    } catch (const Error& error) {
      problem_of("probe", error.what());
    }
  }

  const TracerOptions& options_;
  const KernelPaths& paths_;
  MachineCheck result_;
  std::uint64_t capabilities_ = 0;
};

}  // namespace

MachineCheck check_machine(const TracerOptions& options) { return Checker{options}.run(); }

}  // namespace tcpaccept::kernel
