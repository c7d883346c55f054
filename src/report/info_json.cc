#include "report/info_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "text/wall_time.h"

namespace tcpaccept::report {
namespace {

using Json = nlohmann::ordered_json;

// A stranger's text can be megabytes long, and there may be many of it.
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxTexts = 64;

// Control characters and what is not ASCII are escaped, bytes that are not UTF-8 become U+FFFD.
std::string dumped(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return text.substr(0, kMaxText);
}

Json texts(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (std::size_t i = 0; i < std::min(list.size(), kMaxTexts); ++i) array.push_back(list[i].substr(0, kMaxText));
  return array;
}

Json count_or_null(std::uint64_t count) { return count == kNotRecorded64 ? Json(nullptr) : Json(count); }

Json wall(std::int64_t instant) { return text::wall_text(instant); }

std::int64_t difference(std::uint64_t later, std::uint64_t earlier) { return static_cast<std::int64_t>(later - earlier); }

void add_start(const capture::Start& start, Json& to) {
  to["recorder"] = text_or_null(start.recorder);
  to["host"] = text_or_null(start.host);
  to["kernel"] = text_or_null(start.kernel);
  to["kernel_build"] = text_or_null(start.kernel_build);
  to["machine"] = text_or_null(start.machine);
  to["distribution"] = text_or_null(start.distribution);
  to["boot_id"] = text_or_null(start.boot_id);
  to["cpus"] = start.cpus;
  to["ring_bytes"] = start.ring_bytes;
  Json pids = Json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(start.pids.size(), kMaxText); ++i) pids.push_back(start.pids[i]);
  to["pids"] = std::move(pids);
  to["probe"] = {{"plan", text_or_null(start.probe.plan)},
                 {"symbol", text_or_null(start.probe.symbol)},
                 {"offsets", text_or_null(start.probe.offsets)},
                 {"filter", text_or_null(start.probe.filter)},
                 {"definitions", texts(start.probe.definitions)},
                 {"self_test", texts(start.probe.self_test)},
                 {"notes", texts(start.probe.notes)}};
}

void add_times(const SessionTotals& session, Json& to) {
  to["begin"] = wall(session.first_clock->realtime);
  to["end"] = wall(session.end ? session.end->clock.realtime : session.last_clock->realtime);
  to["ended_by"] = session.end ? text_or_null(session.end->reason) : Json(nullptr);
  to["duration_ns"] = difference(session.last_clock->monotonic, session.first_clock->monotonic);
  to["clock_drift_ns"] = difference(static_cast<std::uint64_t>(session.wall_offset_max),
                                    static_cast<std::uint64_t>(session.wall_offset_min));
  to["suspended_ns"] = static_cast<std::int64_t>(session.suspended);
}

void add_counts(const SessionTotals& session, Json& to) {
  to["accepts"] = session.accepts;
  to["accepts_ipv4"] = session.accepts_v4;
  to["accepts_ipv6"] = session.accepts - session.accepts_v4;
  to["first_accept"] = session.accepts != 0 ? wall(session.first_wall) : Json(nullptr);
  to["last_accept"] = session.accepts != 0 ? wall(session.last_wall) : Json(nullptr);
  to["accepts_span_ns"] = session.accepts != 0 ? Json(session.span()) : Json(nullptr);
  const std::optional<double> rate = session.rate();
  to["accepts_per_second"] = rate ? Json(std::round(*rate * 1000) / 1000) : Json(nullptr);
  to["batches"] = session.batches;
  to["bytes"] = session.bytes;
  if (session.ledgers == 0) {
    to["account"] = nullptr;
    return;
  }
  Json lost = Json::array();
  for (const auto& [cpu, count] : session.lost_by_cpu) {
    if (lost.size() == kMaxText) break;
    lost.push_back({{"cpu", cpu}, {"lost", count}});
  }
  to["account"] = {{"hits", session.ledger.hits},         {"written", session.ledger.written},
                   {"filtered", session.ledger.filtered}, {"lost", session.ledger.lost},
                   {"misses", session.unproved().misses ? Json(nullptr) : Json(session.ledger.misses)},
                   {"lost_by_cpu", std::move(lost)}};
}

Json damage_of(const DamageFinding& finding, bool tail) {
  return {{"offset", finding.damage.offset},
          {"bytes", finding.damage.length},
          {"why", text_or_null(finding.damage.why)},
          {"tail", tail},
          {"after", finding.begin ? wall(*finding.begin) : Json(nullptr)},
          {"before", finding.end ? wall(*finding.end) : Json(nullptr)},
          {"accepts_missing", finding.missing ? Json(*finding.missing) : Json(nullptr)}};
}

}  // namespace

void InfoJson::open(const std::string& name, text::Buffer& out) {
  out.append("{\"file\":" + dumped(Json(name)) + ",\"sessions\":[");
  first_ = true;
}

void InfoJson::session(const SessionTotals& session, text::Buffer& out) {
  Json json;
  json["session"] = session.number;
  if (session.start) add_start(*session.start, json);
  if (session.first_clock) add_times(session, json);
  add_counts(session, json);
  out.append((first_ ? "" : ",") + dumped(json));
  first_ = false;
}

void InfoJson::close(const Totals& totals, const Busiest& busiest, text::Buffer& out) {
  const Findings& findings = totals.findings();
  Json holes = Json::array(), unseen = Json::array(), damage = Json::array();
  for (const Hole& hole : findings.hole_list) {
    holes.push_back({{"begin", wall(hole.begin)}, {"end", wall(hole.end)}, {"lost", hole.lost}, {"misses", hole.misses}});
  }
  for (const Unseen& one : findings.unseen_list) {
    unseen.push_back({{"begin", wall(one.begin)},
                      {"end", wall(one.end)},
                      {"cpu", one.cpu == kNotRecorded16 ? Json(nullptr) : Json(one.cpu)},
                      {"at_most", count_or_null(one.at_most)},
                      {"why", unseen_text(one)}});
  }
  for (const DamageFinding& finding : findings.damage_list) damage.push_back(damage_of(finding, false));
  if (findings.torn_tail) damage.push_back(damage_of(*findings.torn_tail, true));
  Json listeners = Json::array();
  for (const Busiest::Entry& entry : busiest.top()) {
    listeners.push_back({{"comm", std::string(entry.comm.view())},
                         {"saddr", to_string(entry.saddr)},
                         {"sport", entry.sport},
                         {"accepts", entry.accepts}});
  }
  const bool proved = findings.complete(true);
  const Json json = {{"accepts", totals.accepts()},
                     {"listeners", busiest.listeners()},
                     {"listeners_exact", busiest.exact()},
                     {"top_listeners", std::move(listeners)},
                     {"complete", findings.complete() == proved ? Json(proved) : Json(nullptr)},
                     {"proved", proved},
                     {"not_proved", texts(findings.unproved)},
                     {"holes", std::move(holes)},
                     {"hole_count", findings.holes},
                     {"unseen", std::move(unseen)},
                     {"unseen_count", findings.unseen},
                     {"damage", std::move(damage)},
                     {"damage_count", findings.damages + (findings.torn_tail ? 1 : 0)},
                     {"sessions_without_start", findings.without_start},
                     {"sessions_without_end", findings.without_end},
                     {"sessions_unbalanced", findings.unbalanced},
                     {"accepts_absent", findings.absent},
                     {"accepts_surplus", findings.surplus},
                     {"unknown_frames", findings.unknown_frames}};
  std::string text = dumped(json);
  text.front() = ',';  // goes on where open() began
  out.append("]" + text + "\n");
}

}  // namespace tcpaccept::report
