#include "report/report.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "report/info.h"
#include "report/input.h"
#include "report/merge.h"
#include "report/output.h"

namespace tcpaccept::report {
namespace {

std::unique_ptr<RowWriter> make_writer(const Options& options) {
  if (options.columns.empty()) return make_row_writer(options.format, options.time);
  return std::make_unique<ColumnsWriter>(options.columns, options.format == Format::kCsv);
}

// Rows between two looks at the output buffer.
constexpr std::size_t kRowsPerStep = 256;

void ignore_signal(int number) {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  ::sigaction(number, &action, nullptr);
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

void refuse_terminal(const Options& options, int in) {
  const bool reads_standard_input = std::count(options.files.begin(), options.files.end(), "-") != 0;
  if (!reads_standard_input || ::isatty(in) == 0) return;
  throw Error(options.standard_input_by_default
                  ? "no FILE given and standard input is a terminal; see tcpaccept-report --help"
                  : "standard input is a terminal, not a capture; see tcpaccept-report --help",
              Exit::kUsage);
}

// All inputs are open at once, and the usual limit of 1024 files is there for the sake of select(2) only.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

using Inputs = std::vector<std::unique_ptr<Input>>;

// Complains about all that is missing, after the rows.
Exit conclude(const Inputs& inputs, const Streams& streams, bool strict) {
  Exit status = Exit::kClean;
  for (const auto& input : inputs) {
    const Findings& findings = input->totals().findings();
    if (findings.complete(strict)) continue;
    status = Exit::kIncomplete;
    for (const std::string& line : findings.lines(input->name(), strict)) streams.complain(line);
  }
  return status;
}

class RowReport {
 public:
  RowReport(const Options& options, const Timeline& timeline, Output& output)
      : timeline_(timeline), output_(output) {
    for (std::size_t i = 0; i < options.files.size(); ++i) {
      writers_.push_back(make_writer(options));
    }
  }

  void append_header() { writers_.front()->append_header(output_.buffer()); }

  // Formats a run and writes whatever fills the buffer.
  void append(const Run& run) {
    if (!origin_) origin_ = Timeline::instant(*run.batch, run.rows.front());
    RowWriter& writer = *writers_[run.feed];
    if (run.begins_batch) writer.begin_batch(*run.batch, timeline_.on_batch(*origin_, *run.batch));
    for (Selection rows = run.rows; !rows.empty() && !output_.closed();) {
      const std::size_t step = std::min(rows.size(), kRowsPerStep);
      writer.append_rows(rows.first(step), output_.buffer());
      rows = rows.subspan(step);
      output_.flush_if_full();
    }
  }

 private:
  const Timeline& timeline_;
  Output& output_;
  std::vector<std::unique_ptr<RowWriter>> writers_;  // one for each input: it remembers its batch
  std::optional<Instant> origin_;                    // the first row shown
};

// Relative bounds count from the earliest accept of all inputs, before any filter.
void set_first_accept(const Inputs& inputs, const Timeline& timeline) {
  std::vector<Instant> found;
  for (const auto& input : inputs) {
    Instant first;
    if (input->find_first_accept(first)) found.push_back(first);
  }
  if (found.empty()) return;
  const Instant earliest = *std::min_element(found.begin(), found.end(), [&](const Instant& a, const Instant& b) {
    return timeline.by_wall() ? a.wall < b.wall : a.monotonic < b.monotonic;
  });
  for (const auto& input : inputs) input->set_first_accept(earliest);
}

Exit report_rows(const Options& options, const Streams& streams) {
  Timeline timeline;
  Inputs inputs;
  for (const std::string& file : options.files) {
    inputs.push_back(std::make_unique<Input>(file, open_source(file, streams.in, options.follow), options.filter,
                                             timeline));
  }
  const bool live = std::any_of(inputs.begin(), inputs.end(), [](const auto& input) { return input->live(); });
  if (live && !options.follow) leave_first_interrupt_to_the_writer();
  Output output(streams.out, "standard output");
  if (streams.before_reading) streams.before_reading();
  for (const auto& input : inputs) input->open();

  RowReport rows(options, timeline, output);
  rows.append_header();
  if (live) output.flush();
  if (options.filter.needs_first_accept()) set_first_accept(inputs, timeline);

  std::vector<Feed*> feeds;
  for (const auto& input : inputs) feeds.push_back(input.get());
  Merge merge(std::move(feeds), timeline);
  for (Run run; !output.closed();) {
    try {
      if (!merge.next(run)) break;
    } catch (const Error&) {  // an input that cannot be read on: what was read before is shown
      output.flush();
      throw;
    }
    rows.append(run);
    if (live && run.ends_batch) output.flush();
  }
  output.flush();
  return output.closed() ? Exit::kClean : conclude(inputs, streams, options.require_complete);
}

Exit report_info(const Options& options, const Streams& streams) {
  Output output(streams.out, "standard output");
  Timeline timeline;
  Inputs inputs;
  for (const std::string& file : options.files) {
    inputs.push_back(std::make_unique<Input>(file, open_source(file, streams.in, false), FilterSpec{}, timeline,
                                             [&](const SessionTotals& session) {
                                               append_session(session, output.buffer());
                                               output.flush_if_full();
                                             }));
  }
  if (streams.before_reading) streams.before_reading();
  for (const auto& input : inputs) {
    input->open();
    output.buffer().append(input->name() + "\n");
    input->drain();
    append_findings(input->totals().findings(), output.buffer());
    output.flush();
  }
  return output.closed() ? Exit::kClean : conclude(inputs, streams, options.require_complete);
}

}  // namespace

Exit run(const Options& options, const Streams& streams) {
  refuse_terminal(options, streams.in);
  ignore_signal(SIGPIPE);
  allow_many_files();
  return options.info ? report_info(options, streams) : report_rows(options, streams);
}

}  // namespace tcpaccept::report
