#include "report/info.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <optional>

#include "text/escape.h"
#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

// A stranger's text can be megabytes long.
constexpr std::size_t kMaxShown = 500;

std::string shown(std::string_view text) {
  if (text.empty()) return "not recorded";
  if (text.size() <= kMaxShown) return text::escaped(text);
  return text::escaped(text.substr(0, kMaxShown)) + "... (" + std::to_string(text.size()) + " bytes)";
}

void line(text::Buffer& out, std::string_view name, std::string_view value) {
  constexpr std::string_view kSpaces = "               ";
  out.append("  ");
  out.append(name);
  out.append(name.size() < kSpaces.size() - 1 ? kSpaces.substr(name.size()) : " ");
  out.append(value);
  out.append("\n");
}

std::string decimal(double value, int digits) {
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(text.size()) - 1))};
}

std::string seconds(std::int64_t nanoseconds, int digits) {
  return decimal(static_cast<double>(nanoseconds) / 1e9, digits) + " s";
}

// later - earlier, without overflow on a stranger's values.
std::int64_t difference(std::int64_t later, std::int64_t earlier) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(later) - static_cast<std::uint64_t>(earlier));
}

std::string joined(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (const std::uint32_t number : numbers) {
    if (!text.empty()) text += ", ";
    if (text.size() > kMaxShown) return text + "...";
    text += std::to_string(number);
  }
  return text;
}

void describe_start(const capture::Start& start, const AddFact& add) {
  add("host", shown(start.host));
  add("kernel", shown(start.kernel));
  add("build", shown(start.kernel_build));
  add("machine", shown(start.machine));
  add("distribution", shown(start.distribution));
  add("boot id", shown(start.boot_id));
  add("recorder", shown(start.recorder));
  add("cpus", start.cpus == 0 ? "not recorded"
                              : std::to_string(start.cpus) + ", a ring of " + std::to_string(start.ring_bytes) +
                                    " bytes each");
  add("processes", start.pids.empty() ? "all" : joined(start.pids));
  add("probe", start.probe.plan.empty() ? "not recorded"
                                        : shown(start.probe.plan) + " on " + shown(start.probe.symbol) +
                                              ", offsets from " + shown(start.probe.offsets));
  for (const std::string& definition : start.probe.definitions) add("definition", shown(definition));
  add("filter", start.probe.filter.empty() ? "none" : shown(start.probe.filter));
  if (start.probe.self_test.empty()) add("self-test", "not recorded");
  for (const std::string& test : start.probe.self_test) add("self-test", shown(test));
  for (const std::string& note : start.probe.notes) add("note", shown(note));
}

std::string clock_text(const SessionTotals& session) {
  constexpr std::int64_t kStep = 1'000'000;  // slewing stays far below this in any one recording of minutes
  std::string text;
  const std::int64_t moved = difference(session.wall_offset_max, session.wall_offset_min);
  if (moved < 0 || moved >= kStep) {
    text = "wall clock and monotonic clock drifted apart by up to " + seconds(moved, 3);
  }
  // The two clocks are not read at the very same instant: a difference of nanoseconds, of either sign, is no suspend.
  if (const auto suspended = static_cast<std::int64_t>(session.suspended); suspended >= kStep) {
    if (!text.empty()) text += "; ";
    text += "suspended for " + seconds(suspended, 3);
  }
  return text.empty() ? "steady" : text;
}

void append_damages(const Findings& findings, text::Buffer& out, const std::function<std::string(const DamageFinding&)>& estimate = nullptr) {
  const auto add = [&](std::string_view name, const DamageFinding& finding) {
    const capture::Damage& damage = finding.damage;
    line(out, name, std::to_string(damage.length) + " bytes at offset " + std::to_string(damage.offset) + ": " +
                        shown(damage.why) + cost_text(finding) + (estimate ? estimate(finding) : ""));
  };
  for (const DamageFinding& finding : findings.damage_list) add("damage", finding);
  if (findings.damages > findings.damage_list.size()) {
    line(out, "damage", std::to_string(findings.damages - findings.damage_list.size()) + " more");
  }
  if (findings.torn_tail) add("torn tail", *findings.torn_tail);
}

}  // namespace

void describe_session(const SessionTotals& session, bool all_events, const AddFact& add) {
  if (session.start) {
    describe_start(*session.start, add);
  } else {
    add("host", "unknown: the start of the recording is missing");
  }
  if (session.first_clock) {
    const std::int64_t begin = session.first_clock->realtime;
    add(session.start ? "start" : "first batch", text::wall_text(begin));
    const std::int64_t length = static_cast<std::int64_t>(session.last_clock->monotonic -
                                                          session.first_clock->monotonic);  // < 0 in no honest file
    if (session.end) {
      add("end", text::wall_text(session.end->clock.realtime) + " (" + shown(session.end->reason) + ")");
    } else {
      add("end", "not ended cleanly; last written " + text::wall_text(session.last_clock->realtime));
    }
    add("duration", length < 0 ? "not known" : seconds(length, 3) + ", of the recording");
    add("clock", clock_text(session));
  }
  add("accepts", std::to_string(session.accepts) + " in " + std::to_string(session.batches) +
                     (session.batches == 1 ? " batch" : " batches") +
                     (all_events ? ", " + std::to_string(session.accepts_v4) + " over IPv4, " +
                                       std::to_string(session.accepts - session.accepts_v4) + " over IPv6"
                                 : ""));
  if (session.accepts != 0) {
    add("first accept", text::wall_text(session.first_wall));
    add("last accept", text::wall_text(session.last_wall));
    add("span", seconds(static_cast<std::int64_t>(session.span()), 3) + ", from the first accept to the last");
    const std::optional<double> rate = session.rate();
    add("rate", rate ? decimal(*rate, 2) + " accepts/s in that time" : "not known");
    add("size", std::to_string(session.bytes) + " bytes, " +
                    decimal(static_cast<double>(session.bytes) / static_cast<double>(session.accepts), 2) +
                    " for each accept");
  } else {
    add("size", std::to_string(session.bytes) + " bytes");
  }
  const capture::Ledger& sums = session.ledger;
  add("account", session.ledgers == 0
                     ? std::string("not recorded")
                     : std::to_string(sums.hits) + " probe hits = " + std::to_string(sums.written) + " written + " +
                           std::to_string(sums.filtered) + " filtered + " + std::to_string(sums.lost) + " lost; " +
                           (session.unproved().misses ? "what the probe missed is not known"
                                                      : std::to_string(sums.misses) + " missed by the probe"));
  if (!session.lost_by_cpu.empty()) {
    std::string text;
    for (const auto& [cpu, lost] : session.lost_by_cpu) {
      if (!text.empty()) text += ", ";
      if (text.size() > kMaxShown) {
        text += "...";
        break;
      }
      text += std::to_string(lost) + " on CPU " + std::to_string(cpu);
    }
    add("lost", text);
  }
}

void append_session(const SessionTotals& session, text::Buffer& out) {
  out.append("session " + std::to_string(session.number) + "\n");
  describe_session(session, true, [&](std::string_view name, std::string_view value) { line(out, name, value); });
}

void append_rest(const Totals& totals, const Busiest& busiest, text::Buffer& out) {
  const Findings& findings = totals.findings();
  out.append("all sessions\n");
  for (const Busiest::Entry& entry : busiest.top()) {
    const std::string name = entry.comm.view().empty() ? "(no name)" : text::escaped(entry.comm.view());
    line(out, "listener", name + " " + to_string(entry.saddr) + " port " + std::to_string(entry.sport) + ": " +
                              std::to_string(entry.accepts) + (entry.accepts == 1 ? " accept" : " accepts"));
  }
  if (busiest.listeners() > Busiest::kShown) {
    line(out, "listener", (busiest.exact() ? "" : "about ") + std::to_string(busiest.listeners() - Busiest::kShown) +
                              " more; --top N --by listener lists them");
  }
  for (const Hole& hole : findings.hole_list) {
    line(out, "hole", text::wall_text(hole.begin) + " to " + text::wall_text(hole.end) + ": " + std::to_string(hole.lost) +
                          " lost, " + std::to_string(hole.misses) + " missed by the probe");
  }
  if (findings.holes > findings.hole_list.size()) {
    line(out, "hole", std::to_string(findings.holes - findings.hole_list.size()) + " more");
  }
  for (const Unseen& unseen : findings.unseen_list) {
    const std::string begin = text::wall_text(unseen.begin);
    line(out, "unseen", (unseen.begin == unseen.end ? "from " + begin + " on" : begin + " to " + text::wall_text(unseen.end)) +
                            ": " + unseen_text(unseen));
  }
  if (findings.unseen > findings.unseen_list.size()) {
    line(out, "unseen", std::to_string(findings.unseen - findings.unseen_list.size()) + " more");
  }
  append_damages(findings, out);
  for (const std::string& line_of_it : findings.unproved) line(out, "not proved", line_of_it);
  line(out, "complete", !findings.complete() ? "no" : findings.complete(true) ? "yes" : "not known");
}

void append_verdict(const std::string& name, const Totals& totals, std::uint64_t bytes, text::Buffer& out) {
  const Findings& findings = totals.findings();
  const auto counted = [](std::uint64_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
  };
  const bool intact = findings.damages == 0 && !findings.torn_tail;
  const std::uint64_t tail = findings.torn_tail ? findings.torn_tail->damage.length : 0;
  const std::uint64_t damaged = findings.damaged_bytes + tail;
  out.append(name + ": " + (intact ? "intact" : counted(damaged, "byte", "bytes") + " damaged") + ", " +
             counted(totals.accepts(), "accept", "accepts") + " in " + counted(totals.batches(), "batch", "batches") +
             " of " + counted(totals.sessions(), "session", "sessions") + "\n");
  // Where their numbers do not tell, accepts are as large as the others were.
  const std::uint64_t good = bytes - std::min(bytes, damaged);
  append_damages(findings, out, [&](const DamageFinding& finding) -> std::string {
    if (finding.missing || totals.accepts() == 0 || good == 0) return "";
    const double guess = static_cast<double>(finding.damage.length) * static_cast<double>(totals.accepts()) /
                         static_cast<double>(good);
    return "; room for about " + decimal(guess, 0) + " accepts";
  });
}

}  // namespace tcpaccept::report
