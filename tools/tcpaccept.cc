// tcpaccept: prints TCP accepts as they happen.
#include <unistd.h>

#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "capture/model.h"
#include "core/printable.h"
#include "core/freed_memory.h"
#include "core/standard_fds.h"
#include "record/options.h"
#include "record/session.h"
#include "text/buffer.h"
#include "text/table_writer.h"

namespace {

using namespace tcpaccept;

struct OutputClosed {};

// The report's table, fed from the session instead of a file.
class LiveTable final : public record::Consumer {
 public:
  LiveTable(bool timestamps, record::Interrupts& interrupts)
      : interrupts_(interrupts), writer_(timestamps ? text::TimeColumn::kRelative : text::TimeColumn::kNone) {}

  void start(const capture::Start&) override {
    out_.append("Tracing tcpaccept ... Hit Ctrl-C to end\n");
    writer_.append_header(out_);
    flush();
  }
  void batch(const capture::Batch& batch) override {
    if (batch.size() == 0) return;
    if (!origin_) origin_ = batch.time.front();
    rows_.resize(batch.size());
    std::iota(rows_.begin(), rows_.end(), 0u);
    writer_.begin_batch(batch, *origin_);
    writer_.append_rows(rows_, out_);
    flush();
  }
  void end(const capture::End&) override {}
  void notice(const std::string& line) override { complain("tcpaccept", line); }

 private:
  // Rows are shown when they come, also to a pipe; nothing is kept in a stdio buffer.
  void flush() {
    bool closed = false;
    const std::string_view text = out_.view();
    const bool written = interrupts_.write(STDOUT_FILENO, std::as_bytes(std::span{text}),
                                           "cannot write to standard output", &closed);
    if (closed) throw OutputClosed{};
    if (!written) throw Error{"rows were not shown: nobody reads standard output, and it was time to end"};
    out_.clear();
  }

  record::Interrupts& interrupts_;
  text::TableWriter writer_;
  text::Buffer out_;
  std::optional<std::uint64_t> origin_;  // time of the first row shown
  std::vector<std::uint32_t> rows_;
};

Exit run(const record::LiveOptions& options) {
  record::SessionOptions session;
  session.tracer.ring_bytes = std::uint64_t{1} << 20;
  if (options.pid) session.pump.pids = {*options.pid};
  session.pump.flush_interval = 0;
  // A row is held back for `settle` and waits for the next round: at most 70 ms before it is shown.
  session.pump.settle = 10'000'000;
  session.drain_interval_ms = 50;
  session.program = std::string{"tcpaccept "} + TCPACCEPT_VERSION;
  session.watched_output = STDOUT_FILENO;

  record::Interrupts interrupts;
  LiveTable table{options.timestamps, interrupts};
  const record::SessionResult result = record::run_session(session, table, interrupts);
  const auto say = [](const std::string& line) { complain("tcpaccept", line); };
  for (const std::string& warning : result.warnings) say(warning);
  if (result.process_ended) say(result.reason);
  if (result.totals.complete()) return Exit::kClean;
  const std::uint64_t missing = result.totals.lost + result.totals.misses;
  if (missing != 0) say(std::to_string(missing) + " accepts are missing: the ring buffer was full");
  if (result.totals.gaps != 0) say("accepts may have gone unseen for some time");
  return Exit::kIncomplete;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  keep_freed_memory();
  try {
    const auto line = record::parse_live(argc, argv);
    if (!line.run) return print_and_exit("tcpaccept", line.text, static_cast<int>(line.status));
    return static_cast<int>(run(line.options));
  } catch (const OutputClosed&) {
    return static_cast<int>(Exit::kClean);
  } catch (const Error& error) {
    complain("tcpaccept", error.what());
    return static_cast<int>(error.status());
  }
}
