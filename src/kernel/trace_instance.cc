#include "kernel/trace_instance.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "kernel/probe.h"

namespace tcpaccept::kernel {

TraceInstance::TraceInstance(const std::string& tracefs_root, const std::string& event)
    : dir_(tracefs_root + "/instances/" + event.substr(event.find('/') + 1)), event_(event) {}

void TraceInstance::write(const std::string& file, const std::string& text) const {
  const std::string path = dir_ + "/" + file;
  const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) < 0) throw system_error("cannot write " + path, errno);
}

UniqueFd TraceInstance::open(std::uint16_t cpu) {
  constexpr mode_t kMode = 0750;
  cpus_.insert(cpu);
  if (made_) {
    write("tracing_cpumask", cpu_mask(cpus_));
  } else {
    if (::mkdir(dir_.c_str(), kMode) != 0) throw system_error("cannot make " + dir_, errno);
    made_ = true;
    try {
      write("tracing_cpumask", cpu_mask(cpus_));
      write("trace_clock", "mono");    // that of our perf events
      write("buffer_size_kb", "256");  // per CPU; holds more than a thousand accepts
      write("events/" + event_ + "/enable", "1");
    } catch (...) {
      remove();
      throw;
    }
  }
  const std::string path = dir_ + "/per_cpu/cpu" + std::to_string(cpu) + "/trace_pipe_raw";
  UniqueFd trace{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!trace.valid()) throw system_error("cannot open " + path, errno);
  return trace;
}

std::vector<UniqueFd> TraceInstance::switches() const {
  std::vector<UniqueFd> fds;
  for (const std::string& file : {std::string{"tracing_on"}, "events/" + event_ + "/enable"}) {
    const std::string path = dir_ + "/" + file;
    fds.emplace_back(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fds.back().valid()) throw system_error("cannot open " + path, errno);
  }
  return fds;
}

bool TraceInstance::remove() {
  if (made_ && ::rmdir(dir_.c_str()) != 0 && errno == EBUSY) return false;
  made_ = false;
  return true;
}

std::string cpu_mask(const std::set<std::uint16_t>& cpus) {
  constexpr unsigned kBits = 32;
  std::string text;
  for (unsigned word = cpus.empty() ? 0 : *cpus.rbegin() / kBits;; --word) {
    std::uint32_t bits = 0;
    for (const std::uint16_t cpu : cpus) {
      if (cpu / kBits == word) bits |= 1u << cpu % kBits;
    }
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), text.empty() ? "%x" : ",%08x", bits);
    text += digits.data();
    if (word == 0) return text;
  }
}

void sweep_stale_instances(const std::string& tracefs_root, const KernelPaths& paths) {
  std::error_code ignored;
  for (const auto& instance : std::filesystem::directory_iterator{tracefs_root + "/instances", ignored}) {
    if (is_stale(instance.path().filename().string(), paths)) ::rmdir(instance.path().c_str());
  }
}

}  // namespace tcpaccept::kernel
