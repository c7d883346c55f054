#include "report/reading.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "report/progress.h"

namespace tcpaccept::report {
namespace {

// With more inputs than this each keeps little in memory.
constexpr std::size_t kMany = 16;

// As many threads as there are processors we may use, this one included; more than a few only wait for it.
unsigned default_jobs() {
  constexpr int kMost = 4;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 1;
  return static_cast<unsigned>(std::clamp(CPU_COUNT(&cpus), 1, kMost));
}

unsigned threads_beside_this(const Options& options, bool in_step) {
  if (in_step) return 0;
  return (options.jobs != 0 ? options.jobs : default_jobs()) - 1;
}

// In `tcpaccept-record -o - | tcpaccept-report` Ctrl-C reaches both. The first one is for the recorder, whose last
// batch and end are still to be read; a second one ends us.
void leave_first_interrupt_to_the_writer() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  // One bit of this constant does not fit an int; the conversion is what sigaction(2) expects.
  action.sa_flags = static_cast<int>(SA_RESETHAND | static_cast<unsigned>(SA_RESTART));
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace

Reading::Reading(const std::vector<std::string>& files, const Options& options, int standard_input, bool in_step)
    : options_(options), workers_(threads_beside_this(options, in_step)), names_(files) {
  for (const std::string& file : files) {
    OpenFile opened = open_file(file, standard_input, options.follow);
    sources_.push_back(options.from_csv ? csv_source_of(std::move(opened)) : source_of(std::move(opened), options.follow));
  }
}

Reading::Reading(const std::string& name, std::unique_ptr<ItemSource> source, const Options& options)
    : options_(options), workers_(0), names_{name} {
  sources_.push_back(std::move(source));
}

bool Reading::live() const {
  return std::any_of(inputs_.begin(), inputs_.end(), [](const auto& input) { return input->live(); });
}

void Reading::attach(Sink& sink) {
  sink_ = &sink;
  const bool many = sources_.size() > kMany;
  for (auto& source : sources_) {
    const std::size_t number = inputs_.size();
    Observer observer = sink.observer(number);
    if (anonymizing_ != nullptr) observer = anonymized(std::move(observer), *anonymizing_);
    inputs_.push_back(std::make_unique<Input>(names_[number], std::move(source), options_.filter, timeline_, workers_,
                                              std::move(observer)));
    if (anonymizing_ != nullptr) inputs_.back()->anonymize(*anonymizing_);
    if (many) inputs_.back()->be_frugal();
    inputs_.back()->want(sink.columns());
  }
}

// Relative bounds count from the earliest accept of all inputs, before any filter.
void Reading::set_first_accept() {
  std::vector<Instant> found;
  for (const auto& input : inputs_) {
    Instant first;
    if (input->find_first_accept(first)) found.push_back(first);
  }
  if (found.empty()) return;
  const Instant earliest = *std::min_element(found.begin(), found.end(), [&](const Instant& a, const Instant& b) {
    return timeline_.by_wall() ? a.wall < b.wall : a.monotonic < b.monotonic;
  });
  for (const auto& input : inputs_) input->set_first_accept(earliest);
}

// Nobody can tell how long a pipe will be.
std::uint64_t Reading::bytes_to_read() const {
  std::uint64_t sum = 0;
  for (const auto& input : inputs_) {
    if (input->size() == 0) return 0;
    sum += input->size();
  }
  return sum;
}

std::uint64_t Reading::bytes_read() const {
  return std::accumulate(inputs_.begin(), inputs_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& input) { return sum + input->offset(); });
}

void Reading::run(Output& output, int terminal) {
  const bool live = this->live();
  if (live && !options_.follow) leave_first_interrupt_to_the_writer();
  for (const auto& input : inputs_) input->open();
  sink_->begin();
  if (live) output.flush();
  if (options_.filter.needs_first_accept()) set_first_accept();

  std::vector<Feed*> feeds;
  for (const auto& input : inputs_) feeds.push_back(input.get());
  Merge merge(std::move(feeds), timeline_);
  Progress progress(terminal, bytes_to_read());
  for (Run run; !output.closed();) {
    progress.update([&] { return bytes_read(); });
    try {
      if (!merge.next(run)) break;
    } catch (const Error&) {  // an input that cannot be read on: what was read before is shown
      sink_->flush();
      output.flush();
      throw;
    }
    sink_->append(run, inputs_[run.feed]->hold());
    if (live && run.ends_batch) {
      sink_->flush();
      output.flush();
    }
  }
  if (!output.closed()) sink_->finish(inputs_);
  output.flush();
}

Exit Reading::conclude(const std::function<void(const std::string&)>& complain) const {
  Exit status = Exit::kClean;
  for (const auto& input : inputs_) {
    const Findings& findings = input->totals().findings();
    if (!findings.complete(options_.require_complete)) status = Exit::kIncomplete;
    for (const std::string& line : findings.lines(input->name(), options_.require_complete)) complain(line);
  }
  return status;
}

}  // namespace tcpaccept::report
