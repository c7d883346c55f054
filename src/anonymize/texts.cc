#include "anonymize/texts.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "anonymize/address_texts.h"
#include "core/error.h"

namespace tcpaccept::anonymize {
namespace {

constexpr const char* kFilterForm = "(proto==[0-9]{1,3}|family==(2|10)|sk!=0|[ |&()])*";
// Four numbers would be an address.
constexpr const char* kRecorderForm = "tcpaccept-(record|generate|report) [0-9]{1,4}([.][0-9]{1,4}){0,2}( --from-csv)?";

// No kernel, machine or distribution has a longer name.
constexpr std::size_t kLongestName = 200;
// Nor does the recorder write longer lines, or longer errors of the system.
constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kLongestErrno = 64;
// The last one that Linux names; what is beyond has a number.
constexpr int kLastErrno = 133;

// A POSIX extended regular expression that has to match the whole text.
class Pattern {
 public:
  explicit Pattern(const std::string& expression) {
    if (::regcomp(&compiled_, expression.c_str(), REG_EXTENDED) != 0) std::abort();  // ours, and tested
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

// What probe_plan.cc, tracer.cc and self_check.cc of the recorder write, as parts of expressions.
constexpr std::array<std::string_view, 3> kPlans{"graft", "inet_accept", "csk_accept"};
constexpr std::array<std::string_view, 3> kSymbols{"security_sock_graft", "__inet_accept", "inet_csk_accept"};
constexpr std::array<std::string_view, 2> kOffsets{"btf", "default"};
const std::string kPlan = "(graft|inet_accept|csk_accept)";
const std::string kSymbol = "(security_sock_graft|__inet_accept|inet_csk_accept)";
const std::string kArgument =
    "(pf|d0|d1|s0|s1|v4|sport|proto|family|sk|netns|est|srtt|ahead|limit|left|lproto|kfile|comm)="
    "(\\+[0-9]{1,5}\\(){0,3}\\$(arg[0-9]|retval|comm)\\){0,3}(:[usx](8|16|32|64))?";

// Stands for what an error of the system is called.
constexpr std::string_view kErrno = "<errno>";
const std::string kConnection = "(IPv4|IPv6|IPv4 on a dual-stack listener|MPTCP)";
const std::string kCompared = "(remote address|local address|command|thread|family|protocol)";
const std::string kNotMade =
    "(the loopback interface is down|loopback does not answer|others keep connecting to the test's port|"
    "(socket|bind|listen|connect|accept|poll|getsockname|getsockopt|setsockopt): <errno>)";
const std::string kOtherNumbers =
    "(family [0-9]{1,3} instead of [0-9]{1,3}(, protocol [0-9]{1,5} instead of [0-9]{1,5})?|"
    "protocol [0-9]{1,5} instead of [0-9]{1,5})";
const std::string kTest = kConnection + ": (as expected|the probe did not show it|the probe showed it more than once|" +
                          kOtherNumbers + "|not made(: " + kNotMade + ")?|differed( in " + kCompared + "(, " +
                          kCompared + ")*)?)";
// How the kernel says what is wrong with a definition (its trace_probe.h): of these words.
const std::string kRefusal =
    "( ?(A|This|The|Given|Invalid|Unknown|Unsupported|Failed|Too|Maxactive|Retprobe|Dereference|BTF|a|an|address|"
    "already|another|are|argument|arguments|array|available|be|big|brace|by|close|entry|event|fetch|field|find|for|"
    "function|group|has|have|in|is|kprobe|long|many|maxactive|memory|much|must|name|needs|nested|no|not|number|of|"
    "offset|on|or|probe|probed|register|required|returns|size|specified|string|symbol|the|to|too|type|unique|used|"
    "variable|with))+";
// Why a plan was passed over.
const std::string kWhy =
    "(this kernel has no " + kSymbol + "|the self-test failed(: " + kTest + "(; " + kTest + ")*)?" +
    "(; kprobes may be switched off: mount debugfs \\(\"mount -t debugfs nodev /sys/kernel/debug\"\\) and look at "
    "/sys/kernel/debug/kprobes/enabled)?|"
    "the kernel refuses a probe on " + kSymbol + "( \\(" + kRefusal + "(, at \"(" + kSymbol + "|" + kArgument +
    ")\")?\\))?: <errno>|"
    "the kernel refuses the event filter \"(proto==[0-9]{1,3}|family==(2|10)|sk!=0|[ |&()])*\": <errno>|"
    "(cannot (open|read|write)|writing) /sys/kernel/(debug/)?tracing/[a-z_]{1,20}: <errno>|"
    "cannot install a probe on " + kSymbol +
    ": every name tried is taken in /sys/kernel/(debug/)?tracing/kprobe_events|"
    "the kernel's event format is not understood: (field with a negative place|field beyond 64 KiB|"
    "field without a name|a line of it is none of a name, an id or a field|longer than 64 KiB|it has no name|"
    "libtraceevent refused it|no common_type at its start)|"
    "cannot open a perf event on any CPU: all of them are offline|"
    "cannot (get random bytes|set up a probe|make a socket|switch the perf events on): <errno>)";

// A note that begins so is kept up to here at least. The report reads some of them (totals.cc). `more` is how it may
// go on; with anything else it is cut.
struct Note {
  std::string begin;
  std::string more;
};
const std::array<Note, 13> kNotes{{
    {"probe misses are not recorded: this kernel counts failed fetches among them", ""},
    {"return probe: the next accept of every thread that already waits in accept() is not seen", ""},
    {"the place of sk_protocol is not known: SCTP and other stream sockets over IP show too", ""},
    {"cgroups are not recorded: the perf_event controller is on a hierarchy of cgroup version 1",
     "; boot with cgroup_no_v1=perf_event"},
    {"cgroups are not recorded: no controller was given to any",
     " \\(\"echo \\+pids > /sys/fs/cgroup/cgroup.subtree_control\" before the recorder starts\\)"},
    {"cannot read /proc/kallsyms: samples are not checked for the address they come from", ""},
    {"no BPF program keeps plain TCP off the MPTCP event",
     " \\(<errno>\\): each accept costs some thousand instructions more"},
    {"the probe is not proved to work, no connection of our own could be made",
     " \\(" + kTest + "\\); see to the loopback interface, for example with \"ip link set lo up\""},
    {"probes switched off for a moment would go unnoticed, inotify does not work",
     " \\(<errno>\\); raise fs.inotify.max_user_instances or fs.inotify.max_user_watches"},
    {"probes switched off in debugfs would go unnoticed, it is not mounted",
     "; mount it with \"mount -t debugfs nodev /sys/kernel/debug\""},
    {"this capture is a merge; what is said of host and probe is of its first part", ""},
    {"made from CSV, which holds accepts only: host, probe, losses and gaps are not known", ""},
    {"made up by tcpaccept-generate: nothing of this happened", ""},
}};
constexpr std::string_view kDefaultLayout = ": queue wait, network namespace and protocol are not recorded";
const std::string kNoLayout =
    "(no BTF|no type information in /sys/kernel/btf/vmlinux \\(<errno>\\)|the type information in "
    "/sys/kernel/btf/vmlinux does not describe (struct sock|socket addresses) as expected)";

void keep_if(std::string& text, bool known) {
  if (!text.empty() && !known) text = kLeftOut;  // which stays so the next time
}

// "p:tcpaccept/NAME SYMBOL ARGUMENTS": the name holds the recorder's pid and a random number.
std::string known_definition(std::string_view definition) {
  static const Pattern head("(p|r[0-9]{1,4}):tcpaccept/[a-z0-9_]{1,64}");
  static const Pattern arguments("( " + kArgument + "){0,32}");
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

// Errors of the system, where the recorder writes one, give way to kErrno: their names are fixed.
std::string without_errno(std::string_view text) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int number = 1; number <= kLastErrno; ++number) all.push_back(errno_text(number));
    return all;
  }();
  static const Pattern number("error [0-9]{1,5}");
  std::string masked;
  while (!text.empty()) {
    if (masked.ends_with(": ") || masked.ends_with(" (")) {
      const std::string_view near = text.substr(0, kLongestErrno);
      const std::string_view name = near.substr(0, near.find_first_of(";)"));
      if (number.matches(name) || std::find(names.begin(), names.end(), name) != names.end()) {
        masked += kErrno;
        text.remove_prefix(name.size());
        continue;
      }
    }
    masked += text.front();
    text.remove_prefix(1);
  }
  return masked;
}

// Whole, or which connection it was and what of it can be told: addresses, commands and threads cannot.
std::string known_test(std::string_view line) {
  static const Pattern whole(kTest);
  if (whole.matches(without_errno(line))) return std::string{line};
  const std::size_t end = line.find(": ");
  static const Pattern connection(kConnection);
  if (end == std::string_view::npos || !connection.matches(line.substr(0, end))) return "";
  const std::string known{line.substr(0, end)};
  std::string_view rest = line.substr(end + 2);
  if (rest.starts_with("not made")) return known + ": not made";
  std::string differed;
  for (const std::string_view what :
       {"remote address ", "local address ", "command ", "thread ", "family ", "protocol "}) {
    if (!rest.starts_with(what)) continue;
    differed += (differed.empty() ? " in " : ", ") + std::string{what.substr(0, what.size() - 1)};
    // A command may hold anything; the recorder's own, which it is compared with, does not.
    const std::size_t instead = rest.find(" instead of ");
    rest.remove_prefix(std::min(instead, rest.size()));
    rest.remove_prefix(std::min(rest.find(", "), rest.size()));
    rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
  }
  return known + ": differed" + differed;
}

// Why a plan was passed over, as much as is known.
std::string known_plan(std::string_view note) {
  static const Pattern whole("plan " + kPlan + "(: " + kWhy + ")?");
  if (whole.matches(without_errno(note))) return std::string{note};
  constexpr std::string_view kFailed = ": the self-test failed";
  const std::size_t end = note.find(": ");
  std::string plan{note.substr(0, end)};
  if (!whole.matches(plan)) return "";
  if (!note.substr(plan.size()).starts_with(kFailed)) return plan;
  std::string known = plan + std::string{kFailed};
  std::string_view rest = note.substr(known.size());
  for (const char* separator = ": "; !rest.empty();) {
    rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
    const std::string_view line = rest.substr(0, rest.find("; "));
    if (const std::string test = known_test(line); !test.empty()) {
      known += separator + test;
      separator = "; ";
    }
    rest.remove_prefix(line.size());
  }
  return known;
}

std::string known_note(std::string_view note) {
  if (note.starts_with("plan ")) return known_plan(note);
  static const Pattern layout(kNoLayout);
  if (note.ends_with(kDefaultLayout)) {
    const std::string_view why = note.substr(0, note.size() - kDefaultLayout.size());
    return layout.matches(without_errno(why)) ? std::string{note} : "no BTF" + std::string{kDefaultLayout};
  }
  for (const auto& [begin, more] : kNotes) {
    if (!note.starts_with(begin)) continue;
    const std::string rest = without_errno(note).substr(begin.size());
    return rest.empty() || Pattern(more).matches(rest) ? std::string{note} : begin;
  }
  return "";
}

std::string lower_case(std::string_view from) {
  std::string to{from};
  for (char& c : to) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return to;
}

struct Kept {
  std::size_t gone = 0;
  std::size_t cut = 0;
};

// Keeps of each line what `known` leaves of it.
template <typename Known>
void keep_lines(std::vector<std::string>& lines, const Known& known, Kept& kept) {
  for (std::string& line : lines) {
    std::string rest = line.size() > kLongestLine ? "" : known(line);
    if (rest.empty()) ++kept.gone;
    else if (rest != line) ++kept.cut;
    line = std::move(rest);
  }
  std::erase(lines, "");
}

// "" if there are none.
std::string counted_lines(std::size_t count, std::string_view what) {
  if (count == 0) return "";
  return "; " + std::to_string(count) + (count == 1 ? " line" : " lines") + " of the recorder " + std::string{what};
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
  Kept kept;
  keep_lines(start.probe.definitions, known_definition, kept);
  kept.cut = 0;  // what a probe was called is no loss
  keep_lines(start.probe.notes, known_note, kept);
  keep_lines(start.probe.self_test, known_test, kept);
  start.probe.notes.push_back(std::string{kAnonymizedNote} + note + counted_lines(kept.gone, "left out") +
                              counted_lines(kept.cut, "cut short"));
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
  static const Pattern gone(
      "(; [0-9]{1,9} lines? of the recorder left out)?(; [0-9]{1,9} lines? of the recorder cut short)?");
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
