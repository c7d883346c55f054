#include "report/summary_sink.h"

#include <limits>
#include <string>
#include <utility>

#include "report/input.h"
#include "summary/by_listener.h"
#include "summary/over_time.h"
#include "summary/top.h"

namespace tcpaccept::report {
namespace {

void add_holes(const Input& input, summary::Holes& holes) {
  const std::string& name = input.name();
  const Findings& findings = input.totals().findings();
  for (const Hole& hole : findings.hole_list) {
    holes.list.push_back({.input = name,
                          .begin = hole.begin,
                          .end = hole.end,
                          .lost = hole.lost,
                          .missed = hole.misses});
  }
  for (const Unseen& unseen : findings.unseen_list) {
    summary::Hole hole{.input = name, .begin = unseen.begin, .end = unseen.end, .reason = unseen_text(unseen)};
    if (unseen.at_most != kNotRecorded64) hole.at_most = unseen.at_most;
    holes.list.push_back(std::move(hole));
  }
  for (const DamageFinding& finding : findings.damage_list) {
    if (!finding.begin || !finding.end || finding.missing == 0) continue;
    holes.list.push_back({.input = name,
                          .begin = *finding.begin,
                          .end = *finding.end,
                          .at_most = finding.missing,
                          .reason = "the capture is damaged"});
  }
  holes.more += findings.holes - findings.hole_list.size() + findings.unseen - findings.unseen_list.size() +
                findings.damages - findings.damage_list.size();
  holes.complete = holes.complete && findings.complete();
}

}  // namespace

SummarySink::SummarySink(std::unique_ptr<summary::Summary> summary, text::Format format, std::size_t inputs,
                         Output& output)
    : summary_(std::move(summary)), format_(format), begun_(inputs), output_(output) {}

Observer SummarySink::observer(std::size_t) {
  // Findings list the first holes; here are all.
  return {.account =
              [this](const Account& account) {
                if (account.ledger && !account.ledger->complete()) {
                  summary_->mark(account.clock.wall(account.ledger->begin), account.clock.wall(account.ledger->end));
                }
                for (const Gap& gap : account.gaps) {
                  // One without an end goes on to the end of the recording.
                  const bool open = gap.reason == GapReason::kWaitingThreads && gap.begin == gap.end;
                  summary_->mark(account.clock.wall(gap.begin),
                                 open ? std::numeric_limits<std::int64_t>::max() : account.clock.wall(gap.end));
                }
              },
          .damaged_time = [this](std::int64_t begin, std::int64_t end) { summary_->mark(begin, end); }};
}

// A summary does not mind the order of rows, and a batch as a whole is far less work than its runs: all of them lie
// behind each other.
void SummarySink::append(const Run& run, const std::shared_ptr<const void>&) {
  text::Selection& begun = begun_[run.feed];
  if (run.begins_batch) begun = run.rows;
  if (run.ends_batch) summary_->add(*run.batch, {begun.data(), run.rows.data() + run.rows.size()});
}

void SummarySink::finish(const Inputs& inputs) {
  summary::Holes holes;
  for (const auto& input : inputs) add_holes(*input, holes);
  summary_->write(format_, holes, [&](std::string_view text) { output_.write(text); });
}

std::unique_ptr<summary::Summary> make_summary(const SummaryOptions& options) {
  switch (options.kind) {
    case SummaryOptions::Kind::kTop: return std::make_unique<summary::Top>(options.most, options.field);
    case SummaryOptions::Kind::kOverTime: return std::make_unique<summary::OverTime>(options.interval);
    case SummaryOptions::Kind::kByListener: break;
  }
  return std::make_unique<summary::ByListener>();
}

}  // namespace tcpaccept::report
