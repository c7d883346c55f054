#include "anonymize/texts.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "anonymize/address_texts.h"

namespace tcpaccept::anonymize {
namespace {

constexpr const char* kFilterForm = "(proto==[0-9]{1,3}|[ |&()])*";
constexpr const char* kRecorderForm = "tcpaccept-(record|generate|report) [0-9]{1,4}([.][0-9]{1,4}){0,3}( --from-csv)?";

// No kernel, machine or distribution has a longer name.
constexpr std::size_t kLongestName = 200;

// A POSIX extended regular expression that has to match the whole text.
class Pattern {
 public:
  explicit Pattern(const char* expression) {
    if (::regcomp(&compiled_, expression, REG_EXTENDED) != 0) std::abort();  // ours, and tested
  }
  ~Pattern() { ::regfree(&compiled_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool matches(std::string_view text) const {
    if (text.find('\0') != std::string_view::npos) return false;
    const std::string copy{text};
    regmatch_t match{};
    return ::regexec(&compiled_, copy.c_str(), 1, &match, 0) == 0 && match.rm_so == 0 &&
           static_cast<std::size_t>(match.rm_eo) == copy.size();
  }

 private:
  regex_t compiled_{};
};

bool is_joint(char c) { return c == '.' || c == ':' || c == '-' || c == '_'; }

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

// What probe_plan.cc and tracer.cc of the recorder write.
constexpr std::array<std::string_view, 3> kPlans{"graft", "inet_accept", "csk_accept"};
constexpr std::array<std::string_view, 3> kSymbols{"security_sock_graft", "__inet_accept", "inet_csk_accept"};
constexpr std::array<std::string_view, 2> kOffsets{"btf", "default"};
constexpr std::array<std::string_view, 4> kConnections{"IPv4", "IPv6", "IPv4 on a dual-stack listener", "MPTCP"};
// Notes that begin so are kept up to here. The report reads some of them (totals.cc).
constexpr std::array<std::string_view, 16> kNotes{
    "probe misses are not recorded: this kernel counts failed fetches among them",
    "return probe: the next accept of every thread that already waits in accept() is not seen",
    "the place of sk_protocol is not known: SCTP and other stream sockets over IP show too",
    "cgroups are not recorded: the perf_event controller is on a hierarchy of cgroup version 1",
    "cannot read /proc/kallsyms: samples are not checked for the address they come from",
    "no BPF program keeps plain TCP off the MPTCP event",
    "the probe is not proved to work, no connection of our own could be made",
    "probes switched off for a moment would go unnoticed, inotify does not work",
    "probes switched off in debugfs would go unnoticed, it is not mounted",
    "this capture is a merge; what is said of host and probe is of its first part",
    "made from CSV, which holds accepts only: host, probe, losses and gaps are not known",
    "made up by tcpaccept-generate: nothing of this happened",
    "plan graft: this kernel has no security_sock_graft",
    "plan inet_accept: this kernel has no __inet_accept",
    "plan graft",
    "plan inet_accept",
};
constexpr std::string_view kDefaultLayout = ": queue wait, network namespace and protocol are not recorded";

constexpr std::string_view kLeftOut = "left out";

void keep_if(std::string& text, bool known) {
  if (!text.empty() && !known) text = kLeftOut;  // which stays so the next time
}

// "p:tcpaccept/NAME SYMBOL ARGUMENTS": the name holds the recorder's pid and a random number.
std::string known_definition(std::string_view definition) {
  static const Pattern head("(p|r[0-9]{1,4}):tcpaccept/[a-z0-9_]{1,64}");
  static const Pattern arguments(
      "( [a-z][a-z0-9]{0,6}=(\\+[0-9]{1,5}\\(){0,3}\\$(arg[0-9]|retval|comm)\\){0,3}(:[usx](8|16|32|64))?){0,32}");
  const std::size_t name_end = definition.find(' ');
  if (name_end == std::string_view::npos) return "";
  const std::string_view name = definition.substr(0, name_end);
  const std::string_view rest = definition.substr(name_end + 1);
  const std::string_view symbol = rest.substr(0, rest.find(' '));
  if (!head.matches(name) || !is_one_of(symbol, kSymbols) || !arguments.matches(rest.substr(symbol.size()))) return "";
  std::string known{name.substr(0, name.find('/'))};
  known += name.ends_with("mptcp") ? "/mptcp " : "/tcp ";
  return known += rest;
}

std::string known_note(std::string_view note) {
  const auto* const known =
      std::find_if(kNotes.begin(), kNotes.end(), [&](std::string_view one) { return note.starts_with(one); });
  if (known != kNotes.end()) return std::string{*known};
  if (note.ends_with(kDefaultLayout)) return "no BTF" + std::string{kDefaultLayout};
  return "";
}

std::string known_test(std::string_view line) {
  const std::string_view connection = line.substr(0, line.find(": "));
  if (connection.size() == line.size() || !is_one_of(connection, kConnections)) return "";
  const std::string_view outcome = line.substr(connection.size() + 2);
  std::string known{connection};
  // Only what was proved ends so (totals.cc).
  if (outcome == "as expected") return known + ": as expected";
  return known + (outcome.starts_with("not made") ? ": not made" : ": differed");
}

std::string lower_case(std::string_view from) {
  std::string to{from};
  for (char& c : to) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return to;
}

// Keeps the lines of which `known` leaves something; how many are gone.
template <typename Known>
std::size_t keep_lines(std::vector<std::string>& lines, const Known& known) {
  const std::size_t before = lines.size();
  for (std::string& line : lines) line = known(line);
  std::erase(lines, "");
  return before - lines.size();
}

}  // namespace

bool is_word_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  const auto in_word = [](char c) { return is_word_character(c) || is_joint(c); };
  for (std::size_t at = 0; at < text.size();) {
    if (!in_word(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && in_word(text[end])) ++end;
    found.push_back(text.substr(at, end - at));
    at = end;
  }
  return found;
}

bool is_common_word(std::string_view word) {
  constexpr std::array<std::string_view, 6> kCommon{"debian", "cloud", "amd64", "arm64", "generic", "linux"};
  return is_one_of(lower_case(word), kCommon);
}

bool holds_word(std::string_view text, std::string_view name) {
  if (name.empty()) return false;
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const bool begins = at == 0 || !is_word_character(text[at - 1]);
    const std::size_t end = at + name.size();
    if (begins && (end == text.size() || !is_word_character(text[end]))) return true;
  }
  return false;
}

// Also without its domain, and in letters of another case.
bool holds_host(const std::string& text, const std::string& host) {
  const std::string name = lower_case(host);
  if (is_common_word(name)) return false;
  return holds_word(lower_case(text), name) || holds_word(lower_case(text), name.substr(0, name.find('.')));
}

void keep_known_texts(capture::Start& start, const std::string& note) {
  static const Pattern recorder(kRecorderForm);
  static const Pattern filter(kFilterForm);
  for (std::string* text : {&start.kernel, &start.kernel_build, &start.machine, &start.distribution}) {
    const bool plain = text->size() <= kLongestName &&
                       std::all_of(text->begin(), text->end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!plain) {
      keep_if(*text, false);
      continue;
    }
    // The release of a kernel may begin with four numbers, as an address would.
    std::string_view searched = *text;
    if (text == &start.kernel) searched.remove_prefix(std::min(searched.find_first_not_of("0123456789."), searched.size()));
    bool secret = text->find('@') != std::string::npos || holds_word(*text, start.boot_id) || holds_host(*text, start.host);
    for_each_address(searched, [&](std::string_view, const IpAddress&) { secret = true; });
    keep_if(*text, !secret);
  }
  keep_if(start.recorder, recorder.matches(start.recorder));
  keep_if(start.probe.plan, is_one_of(start.probe.plan, kPlans));
  keep_if(start.probe.symbol, is_one_of(start.probe.symbol, kSymbols));
  keep_if(start.probe.offsets, is_one_of(start.probe.offsets, kOffsets));
  keep_if(start.probe.filter, filter.matches(start.probe.filter));
  // What was said of an earlier anonymisation is not counted as left out.
  std::erase_if(start.probe.notes, [](const std::string& line) { return line.starts_with(kAnonymizedNote); });
  const std::size_t gone = keep_lines(start.probe.definitions, known_definition) +
                           keep_lines(start.probe.notes, known_note) + keep_lines(start.probe.self_test, known_test);
  start.probe.notes.push_back(
      std::string{kAnonymizedNote} + note +
      (gone == 0 ? "" : "; " + std::to_string(gone) + (gone == 1 ? " line" : " lines") + " of the recorder left out"));
}

std::string unknown_text(const capture::Start& start, const std::string& note) {
  capture::Start kept = start;
  keep_known_texts(kept, note);
  const capture::Start& known = kept;
  const auto& was = start.probe;
  const auto& is = known.probe;
  for (const auto& [text, again] : {std::pair{&start.recorder, &known.recorder},
                                    {&was.plan, &is.plan},
                                    {&was.symbol, &is.symbol},
                                    {&was.filter, &is.filter},
                                    {&was.offsets, &is.offsets}}) {
    if (*text != *again) return *text;
  }
  for (const auto& [lines, again] : {std::pair{&was.definitions, &is.definitions}, {&was.self_test, &is.self_test}}) {
    for (std::size_t i = 0; i < lines->size(); ++i) {
      if (i >= again->size() || (*lines)[i] != (*again)[i]) return (*lines)[i];
    }
  }
  static const Pattern gone("(; [0-9]{1,9} lines? of the recorder left out)?");
  const std::string own = std::string{kAnonymizedNote} + note;
  for (const std::string& line : was.notes) {
    const bool known_line = line.starts_with(own) ? gone.matches(std::string_view(line).substr(own.size()))
                                                  : known_note(line) == line;
    if (!known_line) return line;
  }
  return "";
}

std::string known_reason(std::string_view reason, const std::function<std::uint32_t(std::uint32_t)>& pid) {
  static const Pattern signal("signal SIG[A-Z0-9]{1,8}");
  static const Pattern process("process [0-9]{1,10} ended");
  constexpr std::array<std::string_view, 5> kReasons{"duration", "count", "output closed", "merged",
                                                     "not known: the end of the recording is missing"};
  if (reason.empty() || reason == kLeftOut || is_one_of(reason, kReasons) || signal.matches(reason)) {
    return std::string{reason};
  }
  if (process.matches(reason)) {
    constexpr std::string_view kProcess = "process ";
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(reason.data() + kProcess.size(), reason.data() + reason.size(), number);
    if (error == std::errc{}) return std::string{kProcess} + std::to_string(pid(number)) + " ended";
  }
  return std::string{kLeftOut};
}

}  // namespace tcpaccept::anonymize
