#include "kernel/tracefs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "core/error.h"
#include "kernel/tracefs_shim.h"

namespace tcpaccept::kernel {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};
using CText = std::unique_ptr<char, Free>;

// Cuts the text up to `separator` off `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

std::string_view cut_word(std::string_view& rest) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != ' ' && rest[end] != '\t') ++end;
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The mode in brackets: "none [integrity] confidentiality". "" when the file is absent or unreadable.
std::string lockdown_mode(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  const std::size_t begin = line.find('[');
  const std::size_t end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  return line.substr(begin + 1, end - begin - 1);
}

Error locked_down(const std::string& root) {
  return Error{"cannot use " + root +
               ": kernel lockdown is in confidentiality mode, which forbids tracing; boot without "
               "lockdown=confidentiality"};
}

Error cannot_open_commands(const KernelPaths& paths, const std::string& root, int error) {
  const std::string file = root + "/kprobe_events";
  const bool locked = lockdown_mode(paths.lockdown) == "confidentiality";
  if (error == ENOENT || error == ENOTDIR) {
    if (locked) return locked_down(root);
    if (!exists(root)) return system_error("cannot use tracefs at " + root, error, "mount tracefs there");
    if (exists(root + "/README") || exists(root + "/events")) {
      return Error{"this kernel has no kprobe events (" + file +
                   " does not exist); a kernel with CONFIG_KPROBE_EVENTS is needed"};
    }
    return Error{"tracefs at " + root +
                 " is empty; mount it with \"mount -t tracefs nodev " + root +
                 "\", or leave kernel lockdown's confidentiality mode"};
  }
  if (error == EPERM && (locked || ::geteuid() == 0)) return locked_down(root);
  if (error == EACCES || error == EPERM) {
    return system_error("cannot open " + file, error, "run as root (for example with sudo)");
  }
  if (error == EROFS) return system_error("cannot open " + file, error, "remount tracefs for writing");
  return system_error("cannot open " + file, error);
}

std::string find_root(const KernelPaths& paths) {
  if (!paths.tracefs.empty()) return paths.tracefs;
  // The library asks this file, and nothing else tells.
  if (const std::string mounts = paths.proc + "/mounts"; ::access(mounts.c_str(), R_OK) != 0) {
    throw system_error("cannot read " + mounts + ", which says where tracefs is mounted", errno,
                       "mount it with \"mount -t proc proc " + paths.proc + "\"");
  }
  const CText found{tcpaccept_tracefs_find()};
  if (found != nullptr) return found.get();
  if (lockdown_mode(paths.lockdown) == "confidentiality") throw locked_down("tracefs");
  throw Error{
      "tracefs is not mounted; mount it with \"mount -t tracefs nodev /sys/kernel/tracing\" (a kernel without tracing "
      "has no such directory)"};
}

}  // namespace

std::vector<ProbeLine> parse_kprobe_events(std::string_view text) {
  std::vector<ProbeLine> lines;
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    std::string_view head = cut_word(line);
    const std::string_view place = cut_word(line);
    cut(head, ':');  // "p", "r", "r4096"
    const std::size_t slash = head.find('/');
    if (slash == std::string_view::npos || place.empty()) continue;
    lines.push_back({.group = std::string{head.substr(0, slash)},
                     .event = std::string{head.substr(slash + 1)},
                     .place = std::string{place}});
  }
  return lines;
}

std::optional<ProbeProfile> parse_kprobe_profile(std::string_view text, std::string_view event) {
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    if (cut_word(line) != event) continue;
    ProbeProfile profile;
    if (parse_number(cut_word(line), profile.hits) && parse_number(cut_word(line), profile.misses)) return profile;
  }
  return std::nullopt;
}

std::string summarize_error_log(std::string_view entry, std::string_view command_part) {
  // "[  12.3] trace_kprobe: error: Unknown type is specified\n  Command: p:g/e f a=b:q8\n               ^\n"
  constexpr std::string_view kError = "error: ";
  constexpr std::string_view kCommand = "  Command: ";
  std::string_view first = cut(entry, '\n');
  const std::string_view command_line = cut(entry, '\n');
  const std::string_view caret_line = cut(entry, '\n');
  const std::size_t error = first.find(kError);
  if (error == std::string_view::npos || !command_line.starts_with(kCommand)) return "";
  if (command_line.find(command_part) == std::string_view::npos) return "";
  std::string summary{first.substr(error + kError.size())};
  const std::size_t caret = caret_line.find('^');
  if (caret != std::string_view::npos && caret < command_line.size() && caret >= kCommand.size()) {
    std::string_view at = command_line.substr(caret);
    summary += ", at \"" + std::string{cut(at, ' ')} + "\"";
  }
  return summary;
}

Tracefs::Tracefs(const KernelPaths& paths) : root_(find_root(paths)) {
  errno = 0;
  commands_.reset(tcpaccept_tracefs_open(root_.c_str(), "kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!commands_.valid()) throw cannot_open_commands(paths, root_, errno != 0 ? errno : ENOENT);
}

int Tracefs::command(int commands_fd, const std::string& line) {
  const std::string text = line + "\n";
  ssize_t written = 0;
  do {
    written = ::write(commands_fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == text.size() ? 0 : EIO;
}

UniqueFd Tracefs::open_switch(const std::string& group_and_event) const {
  return UniqueFd{::open((root_ + "/events/" + group_and_event + "/enable").c_str(), O_RDWR | O_CLOEXEC)};
}

int Tracefs::remove(int commands_fd, int switch_fd, const std::string& group_and_event) {
  const auto try_it = [&] {
    const int error = command(commands_fd, "-:" + group_and_event);
    return error == ENOENT ? 0 : error;  // somebody else has removed it
  };
  const int error = try_it();
  // Read first: writing makes ftrace get its buffers.
  char state = '0';
  if (error != EBUSY || switch_fd < 0 || ::pread(switch_fd, &state, 1, 0) != 1 || state != '1') return error;
  return ::pwrite(switch_fd, "0", 1, 0) == 1 ? try_it() : error;
}

std::string Tracefs::refusal(std::string_view command_part) const {
  const CText entry{tcpaccept_tracefs_last_error(root_.c_str())};
  return entry == nullptr ? "" : summarize_error_log(entry.get(), command_part);
}

std::string Tracefs::read(const std::string& file) const {
  std::size_t size = 0;
  errno = 0;
  const CText text{tcpaccept_tracefs_read(root_.c_str(), file.c_str(), &size)};
  if (text == nullptr) {
    if (errno != 0) throw system_error("cannot read " + root_ + "/" + file, errno);
    return "";
  }
  return {text.get(), size};
}

std::vector<ProbeLine> Tracefs::probes() const { return parse_kprobe_events(read("kprobe_events")); }

std::uint64_t Tracefs::event_id(const std::string& group, const std::string& event) const {
  const std::string file = "events/" + group + "/" + event + "/id";
  const std::string text = read(file);
  std::string_view rest = text;
  std::uint64_t id = 0;
  if (!parse_number(cut(rest, '\n'), id) || id == 0) throw Error{root_ + "/" + file + " holds no event id"};
  return id;
}

std::string Tracefs::event_format(const std::string& group, const std::string& event) const {
  std::size_t size = 0;
  errno = 0;
  const CText text{tcpaccept_tracefs_read_event(root_.c_str(), group.c_str(), event.c_str(), "format", &size)};
  if (text == nullptr) {
    throw system_error("cannot read the format of event " + group + "/" + event, errno != 0 ? errno : ENODATA);
  }
  return {text.get(), size};
}

UniqueFd Tracefs::open_profile() const {
  return UniqueFd{tcpaccept_tracefs_open(root_.c_str(), "kprobe_profile", O_RDONLY | O_CLOEXEC)};
}

std::optional<ProbeProfile> Tracefs::profile(int profile_fd, std::string_view event) {
  if (profile_fd < 0 || ::lseek(profile_fd, 0, SEEK_SET) != 0) return std::nullopt;
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(profile_fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return parse_kprobe_profile(text, event);
}

}  // namespace tcpaccept::kernel
