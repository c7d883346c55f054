#include "report/report.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "report/info.h"
#include "report/input.h"
#include "report/merge.h"
#include "report/output.h"
#include "report/output_target.h"
#include "report/progress.h"
#include "report/rewriter.h"
#include "report/workers.h"

namespace tcpaccept::report {
namespace {

std::unique_ptr<text::RowWriter> make_writer(const Options& options) {
  if (options.columns.empty()) return text::make_row_writer(options.format, options.time);
  return std::make_unique<text::ColumnsWriter>(options.columns, options.format == text::Format::kCsv);
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

// Rows of one batch to be formatted by the workers.
struct Formatting {
  std::unique_ptr<text::RowWriter> writer;
  std::shared_ptr<const void> hold;  // of what the run refers to
  Run run;
  std::uint64_t origin = 0;
  text::Buffer out;
  Workers::Task task;

  void work() {
    out.clear();
    writer->begin_batch(*run.batch, origin);
    writer->append_rows(run.rows, out);
  }
};

class RowReport {
 public:
  RowReport(const Options& options, const Timeline& timeline, Workers& workers, Output& output)
      : options_(options), timeline_(timeline), workers_(workers), output_(output) {
    for (std::size_t i = 0; i < options.files.size(); ++i) {
      writers_.push_back(make_writer(options));
    }
  }
  ~RowReport() {
    for (const auto& formatting : under_way_) {
      try {
        workers_.wait(formatting->task);
      } catch (...) {
      }
    }
  }

  void append_header() { writers_.front()->append_header(output_.buffer()); }
  capture::Columns columns() const { return writers_.front()->columns(); }

  // Formats a run and writes whatever fills the buffer. `hold` keeps its batch alive.
  void append(const Run& run, const std::shared_ptr<const void>& hold) {
    if (!origin_) origin_ = Timeline::instant(*run.batch, run.rows.front());
    const std::uint64_t origin = timeline_.on_batch(*origin_, run.batch->clock);
    // Short runs, of inputs that interleave, are not worth handing over.
    if (workers_.parallel() && hold != nullptr && run.begins_batch && run.ends_batch) {
      // In pieces, so that what waits to be written stays small.
      for (Run piece = run; !piece.rows.empty();) {
        const text::Selection rest = piece.rows.subspan(std::min(piece.rows.size(), rows_per_piece_));
        piece.rows = piece.rows.first(piece.rows.size() - rest.size());
        append_parallel(piece, hold, origin);
        piece.rows = rest;
      }
      return;
    }
    finish();
    text::RowWriter& writer = *writers_[run.feed];
    if (run.begins_batch) writer.begin_batch(*run.batch, origin);
    for (text::Selection rows = run.rows; !rows.empty() && !output_.closed();) {
      const std::size_t step = std::min(rows.size(), kRowsPerStep);
      writer.append_rows(rows.first(step), output_.buffer());
      rows = rows.subspan(step);
      output_.flush_if_full();
    }
  }

  // Waits for what is under way.
  void finish() {
    while (!under_way_.empty()) write_oldest();
  }

 private:
  void append_parallel(const Run& run, std::shared_ptr<const void> hold, std::uint64_t origin) {
    if (under_way_.size() >= workers_.depth()) write_oldest();
    if (spare_.empty()) {
      spare_.push_back(std::make_unique<Formatting>());
      spare_.back()->writer = make_writer(options_);
      spare_.back()->task.work = [formatting = spare_.back().get()] { formatting->work(); };
    }
    std::unique_ptr<Formatting> formatting = std::move(spare_.back());
    spare_.pop_back();
    formatting->hold = std::move(hold);
    formatting->run = run;
    formatting->origin = origin;
    workers_.submit(formatting->task);
    under_way_.push_back(std::move(formatting));
  }

  void write_oldest() {
    std::unique_ptr<Formatting> formatting = std::move(under_way_.front());
    under_way_.pop_front();
    workers_.wait(formatting->task);
    formatting->hold.reset();
    output_.write(formatting->out.view());
    if (formatting->out.size() <= kMaxSpare) spare_.push_back(std::move(formatting));
  }

  static constexpr std::size_t kMaxSpare = std::size_t{4} << 20;

  const Options& options_;
  // The texts of a batch are made anew for each piece of it; but a row of JSON is some 400 bytes.
  const std::size_t rows_per_piece_ = options_.format == text::Format::kJson ? 6144 : 16384;
  const Timeline& timeline_;
  Workers& workers_;
  Output& output_;
  std::vector<std::unique_ptr<text::RowWriter>> writers_;  // one for each input: it remembers its batch
  std::optional<Instant> origin_;                    // the first row shown
  std::deque<std::unique_ptr<Formatting>> under_way_;
  std::vector<std::unique_ptr<Formatting>> spare_;
};

// As many threads as there are processors we may use, this one included; more than a few only wait for it.
unsigned default_jobs() {
  constexpr int kMost = 4;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 1;
  return static_cast<unsigned>(std::clamp(CPU_COUNT(&cpus), 1, kMost));
}

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

// Opens every input. `observer` gives each its own.
Inputs open_inputs(const Options& options, const Streams& streams, Timeline& timeline, Workers& workers,
                   const std::function<Observer(std::size_t)>& observer = nullptr) {
  Inputs inputs;
  for (const std::string& file : options.files) {
    inputs.push_back(std::make_unique<Input>(file, open_source(file, streams.in, options.follow), options.filter,
                                             timeline, workers, observer ? observer(inputs.size()) : Observer{}));
  }
  constexpr std::size_t kMany = 16;
  if (inputs.size() > kMany) {
    for (const auto& input : inputs) input->be_frugal();
  }
  return inputs;
}

// Everything is open; from here on a stranger's bytes are read. Whether more of them may arrive meanwhile.
bool begin_reading(const Inputs& inputs, const Options& options, const Streams& streams, const OutputTarget& target,
                   capture::Columns wanted) {
  const bool live = std::any_of(inputs.begin(), inputs.end(), [](const auto& input) { return input->live(); });
  if (live && !options.follow) leave_first_interrupt_to_the_writer();
  if (streams.before_reading) streams.before_reading(target.folder());
  for (const auto& input : inputs) {
    input->want(wanted);
    input->open();
  }
  return live;
}

// Nobody can tell how long a pipe will be.
std::uint64_t bytes_to_read(const Inputs& inputs) {
  std::uint64_t sum = 0;
  for (const auto& input : inputs) {
    if (input->size() == 0) return 0;
    sum += input->size();
  }
  return sum;
}
std::uint64_t bytes_read(const Inputs& inputs) {
  return std::accumulate(inputs.begin(), inputs.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& input) { return sum + input->offset(); });
}

Merge merged(const Inputs& inputs, const Timeline& timeline) {
  std::vector<Feed*> feeds;
  for (const auto& input : inputs) feeds.push_back(input.get());
  return {std::move(feeds), timeline};
}

Exit report_rows(const Options& options, const Streams& streams) {
  Timeline timeline;
  Workers workers((options.jobs != 0 ? options.jobs : default_jobs()) - 1);
  const Inputs inputs = open_inputs(options, streams, timeline, workers);
  OutputTarget target(options.output, options.force, false, streams.out);
  Output output(target.fd(), target.name());
  RowReport rows(options, timeline, workers, output);
  const bool live = begin_reading(inputs, options, streams, target, rows.columns());
  rows.append_header();
  if (live) output.flush();
  if (options.filter.needs_first_accept()) set_first_accept(inputs, timeline);

  Merge merge = merged(inputs, timeline);
  Progress progress(target.is_terminal() ? -1 : streams.terminal, bytes_to_read(inputs));
  for (Run run; !output.closed();) {
    progress.update([&] { return bytes_read(inputs); });
    try {
      if (!merge.next(run)) break;
    } catch (const Error&) {  // an input that cannot be read on: what was read before is shown
      rows.finish();
      output.flush();
      throw;
    }
    rows.append(run, inputs[run.feed]->hold());
    if (live && run.ends_batch) {
      rows.finish();
      output.flush();
    }
  }
  rows.finish();
  output.flush();
  target.finish();
  progress.clear();
  return output.closed() ? Exit::kClean : conclude(inputs, streams, options.require_complete);
}

Exit report_capture(const Options& options, const Streams& streams) {
  Timeline timeline;
  // One batch at a time: what an input says between two batches belongs between their rows.
  Workers workers(0);
  OutputTarget target(options.output, options.force, true, streams.out);
  Output output(target.fd(), target.name());
  Rewriter rewriter(output, options.plain ? capture::Packing::kPlain : capture::Packing::kPacked,
                    options.files.size() > 1, timeline);
  const Inputs inputs =
      open_inputs(options, streams, timeline, workers, [&](std::size_t i) { return rewriter.observer(i); });
  begin_reading(inputs, options, streams, target, capture::kAllColumns);
  if (options.filter.needs_first_accept()) set_first_accept(inputs, timeline);
  Merge merge = merged(inputs, timeline);
  Progress progress(streams.terminal, bytes_to_read(inputs));
  for (Run run; !output.closed() && merge.next(run);) {
    rewriter.append(run);
    progress.update([&] { return bytes_read(inputs); });
  }
  progress.clear();
  rewriter.finish();
  output.flush();
  target.finish();
  return output.closed() ? Exit::kClean : conclude(inputs, streams, options.require_complete);
}

// --info and --verify: all of every input, and no rows.
Exit report_whole(const Options& options, const Streams& streams) {
  Timeline timeline;
  Workers workers(0);
  OutputTarget target(options.output, options.force, false, streams.out);
  Output output(target.fd(), target.name());
  const Observer describe{.session = [&](const SessionTotals& session) {
    append_session(session, output.buffer());
    output.flush_if_full();
  }};
  const Inputs inputs = open_inputs(options, streams, timeline, workers,
                                    [&](std::size_t) { return options.info ? describe : Observer{}; });
  if (streams.before_reading) streams.before_reading(target.folder());
  for (const auto& input : inputs) {
    input->open();
    if (options.info) output.buffer().append(input->name() + "\n");
    input->drain();
    if (options.info) append_findings(input->totals().findings(), output.buffer());
    if (options.verify) append_verdict(input->name(), input->totals(), input->offset(), output.buffer());
    output.flush();
  }
  target.finish();
  return output.closed() ? Exit::kClean : conclude(inputs, streams, options.require_complete);
}

}  // namespace

Exit run(const Options& options, const Streams& streams) {
  refuse_terminal(options, streams.in);
  ignore_signal(SIGPIPE);
  allow_many_files();
  if (options.info || options.verify) return report_whole(options, streams);
  return options.rewrite ? report_capture(options, streams) : report_rows(options, streams);
}

}  // namespace tcpaccept::report
