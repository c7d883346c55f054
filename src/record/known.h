// Who accepted, beyond what the samples say: looked up when it is met, and remembered.
//
// A process may end right after its accept, and pids are reused: so a process is looked up at once, and again when
// the knowledge is older than a second. What cannot be looked up any more is not known, never guessed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/model.h"
#include "record/pump.h"
#include "record/raw_log.h"

namespace tcpaccept::record {

class Known final : public Identities {
 public:
  struct Lookups {
    std::function<std::uint32_t(std::uint32_t pid)> nspid;                                     // 0 = not known
    std::function<std::string(std::uint64_t cgroup, std::uint32_t pid_in_it)> cgroup_path;  // "" = not known
  };
  explicit Known(Lookups lookups) : lookups_(std::move(lookups)) {}

  // The time from which on knowledge counts as new; nanoseconds of CLOCK_MONOTONIC.
  void set_now(std::uint64_t now) { now_ = now; }

  void see(const Listener& listener) override;
  std::uint32_t nspid(std::uint32_t pid) const override;
  std::string cgroup_path(std::uint64_t cgroup) const override;

  // For the raw log: what see() has found since the last call, and the way back.
  std::vector<KnownProcess> take_new_processes() { return std::exchange(new_processes_, {}); }
  std::vector<capture::CgroupPath> take_new_cgroups() { return std::exchange(new_cgroups_, {}); }
  void learn(const KnownProcess& process);
  void learn(const capture::CgroupPath& cgroup);

 private:
  template <typename Value>
  struct Fact {
    Value value{};
    std::uint64_t looked_at = 0;
  };

  Lookups lookups_;
  std::uint64_t now_ = 0;
  std::uint32_t last_pid_ = 0;      // see() of the same as before is over at once
  std::uint64_t last_cgroup_ = 0;
  std::uint64_t last_seen_ = 0;
  std::unordered_map<std::uint32_t, Fact<std::uint32_t>> processes_;
  std::unordered_map<std::uint64_t, Fact<std::string>> cgroups_;
  std::vector<KnownProcess> new_processes_;
  std::vector<capture::CgroupPath> new_cgroups_;
};

}  // namespace tcpaccept::record
