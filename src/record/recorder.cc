#include "record/recorder.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "core/printable.h"
#include "kernel/check.h"
#include "record/capture_writer.h"
#include "record/session.h"

namespace tcpaccept::record {
namespace {

constexpr std::uint64_t kDefaultRingBytes = std::uint64_t{1} << 20;

std::string dated_name() {
  const time_t now = ::time(nullptr);
  tm local{};
  ::localtime_r(&now, &local);
  char name[64];
  ::strftime(name, sizeof name, "tcpaccept-%Y%m%d-%H%M%S.tcpa", &local);
  return name;
}

std::string count_of(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Writes a session into a capture file and tells the user about it.
class Recorder final : public Consumer {
 public:
  Recorder(const RecordOptions& options, OutputFile& output)
      : options_(options),
        output_(output),
        writer_(output, options.plain ? capture::Packing::kPlain : capture::Packing::kPacked),
        status_line_(!options.quiet && ::isatty(STDERR_FILENO) == 1) {}

  void prepare(const capture::Start& start) override {
    writer_.start(start);
    output_.keep();
  }
  void start(const capture::Start& start) override {
    if (options_.quiet) return;
    if (options_.verbose) {
      for (const std::string& definition : start.probe.definitions) say("probe: " + definition);
      say("filter: " + start.probe.filter + "; offsets: " + start.probe.offsets);
      for (const std::string& test : start.probe.self_test) say("self-test, " + test);
      for (const std::string& note : start.probe.notes) say(note);
    }
    say("recording to " + output_.name() + " (probe " + start.probe.symbol + ", " + count_of(start.cpus, "CPU") +
        "); Ctrl-C to end");
  }
  void batch(const capture::Batch& batch) override {
    writer_.batch(batch);
    if (!writer_.full()) {
      full_said_ = false;
    } else if (options_.stop_when_full) {
      throw Error{"cannot write " + output_.name() + ": the disk is full"};
    } else if (!std::exchange(full_said_, true)) {
      notice("cannot write " + output_.name() +
             ": the disk is full; going on in memory until there is room (--on-full stop ends instead)");
    }
  }
  void end(const capture::End& end) override { writer_.end(end); }

  void round(const PumpTotals& totals, std::size_t pending, std::uint64_t elapsed) override {
    elapsed_ = elapsed;
    if (!status_line_ || elapsed - told_at_ < kTellInterval) return;
    const std::uint64_t accepts = totals.written + pending;
    const double rate =
        static_cast<double>(accepts - told_accepts_) * 1e9 / static_cast<double>(elapsed - told_at_);
    told_at_ = elapsed;
    told_accepts_ = accepts;
    std::fprintf(stderr, "\r\033[K%.0f s  %" PRIu64 " accepts  %.0f/s  %" PRIu64 " bytes  %" PRIu64 " lost",
                 static_cast<double>(elapsed) / 1e9, accepts, rate, output_.written(), totals.lost + totals.misses);
  }

  void notice(const std::string& line) override {
    leave_status_line();
    say(line);
  }

  // The line on the terminal is left before anything else is printed.
  void leave_status_line() {
    if (told_at_ != 0) std::fputs("\r\033[K", stderr);
    told_at_ = 0;
  }

  Exit summary(const SessionResult& result) {
    leave_status_line();
    const PumpTotals& totals = result.totals;
    for (const std::string& warning : result.warnings) say(warning);
    if (!options_.quiet) {
      char text[256];
      std::snprintf(text, sizeof text, "%s in %.2f s, %" PRIu64 " bytes (%.1f per accept) in ",
                    count_of(totals.written, "accept").c_str(), static_cast<double>(elapsed_) / 1e9,
                    output_.written(),
                    totals.written != 0 ? static_cast<double>(output_.written()) / static_cast<double>(totals.written)
                                        : 0.0);
      say(text + output_.name() + "; ended by " + result.reason);
    }
    if (totals.lost != 0) {
      say(count_of(totals.lost, "accept") + " lost: the ring buffer was full; try --ring-size");
    }
    if (totals.misses != 0) say(count_of(totals.misses, "accept") + " missed by the probe itself");
    if (writer_.dropped() != 0) {
      say(count_of(writer_.dropped(), "accept") + " lost: the disk was full for longer than memory lasted");
    }
    if (totals.gaps != 0) say("accepts may have gone unseen for some time; tcpaccept-report --info says when and why");
    if (result.output_closed) throw Error{"cannot write " + output_.name() + ": its reader has gone away"};
    return totals.complete() && writer_.dropped() == 0 ? Exit::kClean : Exit::kIncomplete;
  }

 private:
  static constexpr std::uint64_t kTellInterval = 1'000'000'000;

  static void say(const std::string& line) { complain("tcpaccept-record", line); }

  const RecordOptions& options_;
  OutputFile& output_;
  CaptureWriter writer_;
  bool full_said_ = false;
  bool status_line_;
  std::uint64_t elapsed_ = 0;
  std::uint64_t told_at_ = 0;
  std::uint64_t told_accepts_ = 0;
};

kernel::TracerOptions tracer_options(const RecordOptions& options) {
  kernel::TracerOptions tracer;
  tracer.ring_bytes = options.ring_bytes != 0 ? options.ring_bytes : kDefaultRingBytes;
  tracer.plan = options.plan;
  return tracer;
}

// Prints what this machine offers, a line each.
Exit run_check(const RecordOptions& options) {
  const kernel::MachineCheck check = kernel::check_machine(tracer_options(options));
  for (const kernel::CheckLine& line : check.lines) {
    std::printf("%-8s %-13s %s%s%s\n", line.ok ? "ok" : "problem", line.what.c_str(), line.found.c_str(),
                line.remedy.empty() ? "" : "; ", line.remedy.c_str());
  }
  const char* const verdict = check.proved ? "Recording works here." : "Recording should work here, which is not proved.";
  std::printf("%s\n", check.works ? verdict : "Recording does not work here.");
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw system_error("cannot write to standard output", errno);
  }
  return check.works ? Exit::kClean : Exit::kFailed;
}

}  // namespace

Exit run_recorder(const RecordOptions& options) {
  if (options.check) return run_check(options);
  Interrupts interrupts;
  OutputFile output{options.output.empty() ? dated_name() : options.output, options.force, interrupts};
  std::optional<RawLogWriter> raw;
  if (!options.raw.empty()) raw.emplace(options.raw);

  SessionOptions session;
  session.tracer = tracer_options(options);
  session.pump.pids = options.pids;
  session.pump.max_events = options.count;
  session.pump.reopen = output.has_tail();
  // A batch is written some time after it is due (the round, the settling): with this a kill costs less than a second.
  if (session.pump.reopen) session.pump.flush_interval = 500'000'000;
  session.duration = static_cast<std::uint64_t>(options.duration * 1e9);
  session.program = std::string{"tcpaccept-record "} + TCPACCEPT_VERSION;
  session.raw = raw ? &*raw : nullptr;
  session.watched_output = output.fd();

  Recorder recorder{options, output};
  try {
    return recorder.summary(run_session(session, recorder, interrupts));
  } catch (const Error&) {
    recorder.leave_status_line();
    throw;
  }
}

}  // namespace tcpaccept::record
