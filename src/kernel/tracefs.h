// The kernel's trace control files, as far as dynamic probes need them.
//
// A Tracefs is a directory and an open descriptor of its kprobe_events; it owns no probe. The descriptor is
// opened for appending only, never truncating, since truncation deletes everybody's unused probes. It takes commands
// for as long as it is open, also after all privileges are gone.
//
// Every Error thrown here says what to do about it: the causes (no root, no kprobe events, lockdown, not
// mounted) look alike to the system calls, and this is the one place that tells them apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/unique_fd.h"
#include "kernel/kernel_paths.h"

namespace tcpaccept::kernel {

// One line of kprobe_events, "p:GROUP/EVENT SYMBOL ARGUMENTS" or "r4096:GROUP/EVENT ...".
struct ProbeLine {
  std::string group;
  std::string event;
  std::string place;  // symbol, with +offset where the kernel shows one
  bool operator==(const ProbeLine&) const = default;
};

std::vector<ProbeLine> parse_kprobe_events(std::string_view text);

// One line of kprobe_profile; it names the event without its group.
struct ProbeProfile {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  bool operator==(const ProbeProfile&) const = default;
};

std::optional<ProbeProfile> parse_kprobe_profile(std::string_view text, std::string_view event);

// The kernel's explanation on one line: "Unknown type is specified, at \"q8\"". `entry` is one entry of
// error_log; "" when it is about another command than one that contains `command_part`.
std::string summarize_error_log(std::string_view entry, std::string_view command_part);

class Tracefs {
 public:
  // Finds tracefs and opens kprobe_events in it. Throws Error.
  explicit Tracefs(const KernelPaths& paths);

  const std::string& root() const { return root_; }

  // Appends one command to kprobe_events with one write. Returns 0 or the errno of the kernel's refusal.
  int command(const std::string& line) const { return command(commands_.get(), line); }
  // The same through a copy of commands_fd(), which a process without privileges may hold.
  static int command(int commands_fd, const std::string& line);
  int commands_fd() const { return commands_.get(); }
  void close_commands() { commands_.reset(); }
  // A descriptor of the event's switch in ftrace; invalid where we may not have it.
  UniqueFd open_switch(const std::string& group_and_event) const;
  // Removes an event, "GROUP/EVENT". It is busy while somebody has it switched on in ftrace: it is
  // switched off there then.
  // Returns 0, also when it is not there, or the errno of the kernel's refusal. `switch_fd`: of open_switch, or -1.
  static int remove(int commands_fd, int switch_fd, const std::string& group_and_event);
  // What error_log says about the refused command, "" when it says nothing.
  std::string refusal(std::string_view command_part) const;

  // Throws Error when the file cannot be read.
  std::vector<ProbeLine> probes() const;
  // Event id for perf_event_open, and the text of its format file. Throws Error.
  std::uint64_t event_id(const std::string& group, const std::string& event) const;
  std::string event_format(const std::string& group, const std::string& event) const;

  // A descriptor of kprobe_profile that can be read again and again after privileges are gone, invalid when
  // there is none; and a read through it (nullopt when unreadable or the event is not listed).
  UniqueFd open_profile() const;
  static std::optional<ProbeProfile> profile(int profile_fd, std::string_view event);

 private:
  std::string read(const std::string& file) const;

  std::string root_;
  UniqueFd commands_;
};

}  // namespace tcpaccept::kernel
