// vm-workload: real servers and clients that log what they know, for judging the tracer against. See scenarios.h and truth.h.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "latency.h"
#include "net.h"
#include "parts.h"
#include "scenarios.h"

namespace {

using namespace tcpaccept::vm;

constexpr const char* kUsage =
    "usage: vm-workload run [--truth FILE] [--gate] [--count N] SCENARIO...|all\n"
    "       vm-workload list\n"
    "       vm-workload latency [--count N] [--limit-ms N] -- COMMAND...\n"
    "       vm-workload shifted SECONDS COMMAND...   run a command in a time namespace whose clocks are that far ahead\n"
    "       vm-workload as UID [+CAP]... COMMAND...  run a command as that user, without groups, with these\n"
    "                                                capabilities (numbers) or none, and\n"
    "                                                with the usual meaning of SIGINT, SIGQUIT and SIGPIPE\n";

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int to_number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) throw UsageError("not a number: " + text);
  return value;
}

// The value after an option; moves on to it.
const std::string& value_of(const std::vector<std::string>& words, std::size_t& at) {
  if (at + 1 >= words.size()) throw UsageError(words[at] + " needs a value");
  return words[++at];
}

int run(const std::vector<std::string>& words) {
  std::string truth;
  bool gated = false;
  int count = 200;
  std::vector<const Scenario*> chosen;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--truth") {
      truth = value_of(words, i);
    } else if (words[i] == "--gate") {
      gated = true;
    } else if (words[i] == "--count") {
      count = to_number(value_of(words, i));
    } else {
      const std::size_t before = chosen.size();
      for (const Scenario& scenario : scenarios()) {
        if (words[i] == scenario.name || (words[i] == "all" && scenario.in_all)) chosen.push_back(&scenario);
      }
      if (chosen.size() == before) throw UsageError("no scenario " + words[i]);
    }
  }
  if (chosen.empty()) throw UsageError("no scenario given");
  const TruthLog log(truth);
  Context context{.log = log, .count = count, .gated = gated};
  choose_addresses(context);
  for (const Scenario* scenario : chosen) {
    context.name = scenario->name;
    try {
      scenario->run(context);
    } catch (const std::exception& error) {
      throw std::runtime_error(std::string(scenario->name) + ": " + error.what());
    }
  }
  return 0;
}

int list() {
  for (const Scenario& scenario : scenarios()) std::printf("%-10s %s\n", scenario.name, scenario.what);
  return 0;
}

int latency(const std::vector<std::string>& words) {
  LatencyOptions options;
  std::size_t i = 0;
  for (; i < words.size() && words[i] != "--"; ++i) {
    if (words[i] == "--count") {
      options.count = to_number(value_of(words, i));
    } else if (words[i] == "--limit-ms") {
      options.limit_ms = to_number(value_of(words, i));
    } else {
      throw UsageError("unknown option " + words[i]);
    }
  }
  for (++i; i < words.size(); ++i) options.command.push_back(words[i]);
  if (options.command.empty()) throw UsageError("no command given");
  return measure_latency(options);
}

// These capabilities and no others, kept across execve(2).
void hold(std::uint64_t capabilities) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(capabilities >> (32 * half));
    data[half] = {.effective = bits, .permitted = bits, .inheritable = bits};
  }
  check(static_cast<int>(::syscall(SYS_capset, &header, data)), "capset");
  for (unsigned number = 0; number < 64; ++number) {
    if ((capabilities >> number & 1) != 0) check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0), "ambient");
  }
}

[[noreturn]] void become(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  throw std::runtime_error("cannot run " + command.front() + ": " + std::generic_category().message(errno));
}

int run_as(const std::vector<std::string>& words) {
  if (words.size() < 2) throw UsageError("as needs a user id and a command");
  const auto id = static_cast<uid_t>(to_number(words[0]));
  std::size_t next = 1;
  std::uint64_t capabilities = 0;
  for (; next < words.size() && words[next].starts_with('+'); ++next) {
    capabilities |= std::uint64_t{1} << to_number(words[next].substr(1));
  }
  if (next == words.size()) throw UsageError("as needs a user id and a command");
  check(::prctl(PR_SET_KEEPCAPS, capabilities != 0 ? 1 : 0, 0, 0, 0), "prctl");
  check(::setgroups(0, nullptr), "setgroups");
  check(::setresgid(id, id, id), "setresgid");
  check(::setresuid(id, id, id), "setresuid");
  if (capabilities != 0) hold(capabilities);
  // A shell starts its background commands with SIGINT ignored, and we ignore SIGPIPE: the command shall have neither.
  for (const int signal : {SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_DFL);
  become({words.begin() + static_cast<std::ptrdiff_t>(next), words.end()});
}

int run_shifted(const std::vector<std::string>& words) {
  if (words.size() < 2) throw UsageError("shifted needs seconds and a command");
  constexpr int kNewTime = 0x80;  // CLONE_NEWTIME
  check(::unshare(kNewTime), "unshare");
  write_file("/proc/self/timens_offsets", "monotonic " + words[0] + " 0\nboottime " + words[0] + " 0\n");
  const Fd entered(check(::open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC), "open"));
  check(::setns(entered.get(), kNewTime), "setns");
  become({words.begin() + 1, words.end()});
}

int dispatch(const std::vector<std::string>& words) {
  if (words.empty()) throw UsageError("no subcommand");
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (words[0] == "run") return run(rest);
  if (words[0] == "list") return list();
  if (words[0] == "latency") return latency(rest);
  if (words[0] == "as") return run_as(rest);
  if (words[0] == "shifted") return run_shifted(rest);
  throw UsageError("unknown subcommand " + words[0]);
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return dispatch(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "vm-workload: %s\n%s", error.what(), kUsage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vm-workload: %s\n", error.what());
    return 1;
  }
}
