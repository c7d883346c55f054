// A directory that plays the kernel's files: tracefs, proc, lockdown, symbols. Gone with the object.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "kernel/kernel_paths.h"

namespace tcpaccept::kernel::test {

class FakeTree {
 public:
  FakeTree() {
    std::string name = (std::filesystem::temp_directory_path() / "tcpaccept-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
    root_ = name;
  }
  ~FakeTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  std::string path(const std::string& file) const { return root_ / file; }
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream{root_ / file} << text;
  }
  void make_dir(const std::string& dir) const { std::filesystem::create_directories(root_ / dir); }
  std::string read(const std::string& file) const {
    std::ostringstream text;
    text << std::ifstream{root_ / file}.rdbuf();
    return text.str();
  }

  KernelPaths paths() const {
    return {.tracefs = path("tracing"),
            .kallsyms = path("kallsyms"),
            .btf = path("btf"),
            .proc = path("proc"),
            .ftrace_enabled = path("proc/sys/kernel/ftrace_enabled"),
            .kprobes_enabled = path("kprobes_enabled"),
            .unmounted_debugfs = false,
            .lockdown = path("lockdown"),
            .cpus_online = path("online"),
            .cpus_present = path("present"),
            .os_release = path("os-release"),
            .cgroups = path("cgroup")};
  }

 private:
  std::filesystem::path root_;
};

}  // namespace tcpaccept::kernel::test
