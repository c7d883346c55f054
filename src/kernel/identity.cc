#include "kernel/identity.h"

#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "kernel/clock.h"

namespace tcpaccept::kernel {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr int kMaxWalked = 20'000;  // directories

}  // namespace

std::uint32_t nspid_of(std::uint32_t pid, const KernelPaths& paths) {
  std::ifstream status{paths.proc + "/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("NSpid:")) continue;
    const std::size_t last = line.find_last_of("\t ");
    std::uint32_t number = 0;
    std::from_chars(line.data() + last + 1, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

CgroupTree::CgroupTree(const KernelPaths& paths) : proc_(paths.proc) {
  std::error_code ignored;
  for (const std::string& place : {paths.cgroups, paths.cgroups + "/unified"}) {
    if (mount_.empty() && std::filesystem::exists(place + "/cgroup.controllers", ignored)) mount_ = place;
  }
}

bool CgroupTree::has_id(const std::string& path, std::uint64_t id) const {
  struct stat status {};
  return ::stat((mount_ + path).c_str(), &status) == 0 && status.st_ino == id;
}

std::string CgroupTree::path_of(std::uint64_t id, std::uint32_t pid) {
  if (mount_.empty()) return "";
  std::ifstream memberships{proc_ + "/" + std::to_string(pid) + "/cgroup"};
  for (std::string line; std::getline(memberships, line);) {
    // "0::/system.slice/ssh.service"; other numbers are hierarchies of version 1.
    if (line.starts_with("0::") && has_id(line.substr(3), id)) return line.substr(3);
  }
  // At most once a second: cgroups that are gone would be searched for ever.
  const std::uint64_t now = read_clocks().monotonic;
  if (now - walked_at_ < kSecond) return "";
  walked_at_ = now;
  if (has_id("/", id)) return "/";
  namespace fs = std::filesystem;
  std::error_code error;
  int walked = 0;
  for (fs::recursive_directory_iterator at{mount_, fs::directory_options::skip_permission_denied, error}, end;
       !error && at != end && walked < kMaxWalked; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_directory(ignored) || at->is_symlink(ignored)) continue;
    ++walked;
    std::string path = at->path().string().substr(mount_.size());
    if (has_id(path, id)) return path;
  }
  return "";
}

}  // namespace tcpaccept::kernel
