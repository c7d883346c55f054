#include "report/page_report.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "report/info.h"
#include "report/input.h"
#include "text/escape.h"

#ifndef TCPACCEPT_VERSION
#define TCPACCEPT_VERSION "unknown"
#endif

namespace tcpaccept::report {
namespace {

// What a page says of a thousand inputs, or of one by a stranger, stays a page.
constexpr std::size_t kMostInputs = 20;
constexpr std::size_t kMostSessions = 20;
constexpr std::size_t kMostFacts = 60;
constexpr std::size_t kMostLines = 100;
constexpr std::size_t kMostBands = 200;

void append_some(std::vector<std::string>& lines, const std::vector<std::string>& more) {
  const std::size_t room = kMostLines - std::min(kMostLines, lines.size());
  const std::size_t count = std::min(room, more.size());
  lines.insert(lines.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(count));
}

std::string lost_text(const Hole& hole) {
  std::string text;
  if (hole.lost != 0) text = std::to_string(hole.lost) + " lost: the recorder's rings were full";
  if (hole.misses != 0) text += (text.empty() ? "" : "; ") + std::to_string(hole.misses) + " missed by the probe";
  return text;
}

// The page goes to others, whom the folders of the one who makes it do not concern: names without them, told apart by
// their number where they are the same.
std::vector<std::string> short_names(const std::vector<std::string>& files) {
  const auto base = [](const std::string& file) { return file.substr(file.rfind('/') + 1); };
  std::map<std::string, int> times;
  for (const std::string& file : files) ++times[base(file)];
  std::vector<std::string> names;
  for (const std::string& file : files) {
    names.push_back(display_name(base(file)));
    if (times[base(file)] > 1) names.back() += " (input " + std::to_string(names.size()) + ")";
  }
  return names;
}

}  // namespace

PageReport::PageReport(const Options& options, Output& output)
    : options_(options), output_(output), names_(short_names(options.files)), collector_(options.rows) {
  about_.program = "tcpaccept-report " TCPACCEPT_VERSION;
  about_.filtered = !options.filter.empty();
  about_.inputs.assign(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(std::min(names_.size(), kMostInputs)));
  about_.more_inputs = options.files.size() - about_.inputs.size();
}

Observer PageReport::observer(std::size_t input) {
  return {.session = [this, input](const SessionTotals& session) { describe(input, session); }};
}

void PageReport::describe(std::size_t input, const SessionTotals& session) {
  if (about_.sessions.size() >= kMostSessions) {
    ++about_.more_sessions;
    return;
  }
  page::Session described{.title = names_[input] + ", session " + std::to_string(session.number),
                          .facts = {}};
  std::size_t more = 0;
  describe_session(session, false, [&](std::string_view name, std::string_view value) {
    if (described.facts.size() < kMostFacts) {
      described.facts.emplace_back(name, value);
    } else {
      ++more;
    }
  });
  if (more != 0) described.facts.emplace_back("more", std::to_string(more) + " lines; --info has them");
  about_.sessions.push_back(std::move(described));
}

void PageReport::append(const Run& run, const std::shared_ptr<const void>& /*hold*/) {
  collector_.add(*run.batch, run.rows);
}

void PageReport::add_band(page::Band band) {
  if (about_.bands.size() < kMostBands) {
    about_.bands.push_back(std::move(band));
  } else {
    ++about_.more_bands;
  }
}

void PageReport::add_bands(const Findings& findings) {
  using Kind = page::Band::Kind;
  for (const Hole& hole : findings.hole_list) add_band({Kind::kLost, hole.begin, hole.end, lost_text(hole)});
  for (const Unseen& unseen : findings.unseen_list) {
    add_band({Kind::kUnseen, unseen.begin, unseen.end, unseen_text(unseen)});
  }
  const auto add_damage = [&](const DamageFinding& finding) {
    // Without an accept on either side nobody knows when it was; the line among the findings has to do.
    if (!finding.begin && !finding.end) return;
    const std::int64_t begin = finding.begin.value_or(finding.end.value_or(0));
    std::string text = std::to_string(finding.damage.length) + " bytes of the file at offset " +
                       std::to_string(finding.damage.offset) + ": " + text::escaped(finding.damage.why);
    if (finding.missing) text += ", " + std::to_string(*finding.missing) + " accepts missing";
    add_band({Kind::kDamaged, begin, finding.end.value_or(begin), std::move(text)});
  };
  for (const DamageFinding& finding : findings.damage_list) add_damage(finding);
  if (findings.torn_tail) add_damage(*findings.torn_tail);
  about_.more_bands += findings.holes - findings.hole_list.size() + findings.unseen - findings.unseen_list.size() +
                       findings.damages - findings.damage_list.size();
}

void PageReport::finish(const Inputs& inputs) {
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    const Findings& findings = inputs[input]->totals().findings();
    const std::string name = inputs.size() == 1 ? "" : names_[input];
    append_some(about_.findings, findings.lines(name, options_.require_complete));
    about_.complete = about_.complete && findings.complete(options_.require_complete);
    about_.proved = about_.proved && findings.complete(true);
    if (!options_.require_complete) {
      std::vector<std::string> unproved = findings.unproved;
      for (std::string& line : unproved) line.insert(0, name.empty() ? "" : name + ": ");
      append_some(about_.notes, unproved);
    }
    add_bands(findings);
  }
  page::write_page(about_, collector_, output_.buffer(), [this] { output_.flush_if_full(); });
  output_.flush();
}

}  // namespace tcpaccept::report
