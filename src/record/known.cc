#include "record/known.h"

namespace tcpaccept::record {
namespace {

constexpr std::uint64_t kFresh = 1'000'000'000;
// Processes come and go for months; what was forgotten is looked up again.
constexpr std::size_t kMaxFacts = 65536;

}  // namespace

void Known::see(const Listener& listener) {
  if (last_seen_ == now_ && last_pid_ == listener.pid && last_cgroup_ == listener.cgroup) return;
  last_seen_ = now_;
  last_pid_ = listener.pid;
  last_cgroup_ = listener.cgroup;

  // The number of a process changes with the process; the path of a cgroup id never does, once it is known.
  const auto stale = [&](const auto& fact, bool is_new) { return is_new || now_ - fact.looked_at >= kFresh; };
  if (listener.pid != 0 && lookups_.nspid) {
    if (processes_.size() >= kMaxFacts) processes_.clear();
    const auto [at, is_new] = processes_.try_emplace(listener.pid);
    if (stale(at->second, is_new)) {
      // Not known of a process that is gone: the number may have been another's before.
      const std::uint32_t before = at->second.value;
      at->second = {lookups_.nspid(listener.pid), now_};
      if (is_new || at->second.value != before) new_processes_.push_back({listener.pid, at->second.value});
    }
  }
  if (listener.cgroup != 0 && lookups_.cgroup_path) {
    if (cgroups_.size() >= kMaxFacts) cgroups_.clear();
    const auto [at, is_new] = cgroups_.try_emplace(listener.cgroup);
    if (at->second.value.empty() && stale(at->second, is_new)) {
      at->second = {lookups_.cgroup_path(listener.cgroup, listener.pid), now_};
      if (!at->second.value.empty()) new_cgroups_.push_back({listener.cgroup, at->second.value});
    }
  }
}

std::uint32_t Known::nspid(std::uint32_t pid) const {
  const auto at = processes_.find(pid);
  return at != processes_.end() ? at->second.value : 0;
}

std::string Known::cgroup_path(std::uint64_t cgroup) const {
  const auto at = cgroups_.find(cgroup);
  return at != cgroups_.end() ? at->second.value : "";
}

void Known::learn(const KnownProcess& process) { processes_[process.pid] = {process.nspid, now_}; }
void Known::learn(const capture::CgroupPath& cgroup) { cgroups_[cgroup.id] = {cgroup.path, now_}; }

}  // namespace tcpaccept::record
