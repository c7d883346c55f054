#include "report/report.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "anonymize/key.h"
#include "report/anonymizing.h"
#include "report/busiest.h"
#include "report/canonical_report.h"
#include "report/diff.h"
#include "report/expect.h"
#include "report/info.h"
#include "report/info_json.h"
#include "report/newest.h"
#include "report/output_target.h"
#include "report/page_report.h"
#include "report/reading.h"
#include "report/rewriter.h"
#include "report/row_report.h"
#include "report/summary_sink.h"
#include "text/escape.h"

namespace tcpaccept::report {
namespace {

void ignore_signal(int number) {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  ::sigaction(number, &action, nullptr);
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

bool is_at(const std::string& path, const struct stat& file) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_dev == file.st_dev && status.st_ino == file.st_ino;
}

// A report in place of what it was made of would be the end of a recording, whatever --force says. A capture made of
// captures may take the place of one: it holds what was asked for, and is there only when it is complete.
void refuse_to_replace_inputs(const Options& options, int in) {
  struct Kept {
    std::string path;
    const char* what;
  };
  std::vector<Kept> inputs{{options.key_file, "the key"}, {options.expect, "the file of expectations"}};
  for (const std::string& file : options.files) inputs.push_back({file, "the input"});
  for (const Kept& input : inputs) {
    struct stat status {};
    const bool there = input.path == "-" ? ::fstat(in, &status) == 0 : ::stat(input.path.c_str(), &status) == 0;
    if (!there || !S_ISREG(status.st_mode)) continue;
    const bool remade = options.rewrite && !options.from_csv && input.what == std::string_view("the input");
    for (const std::string& output : {remade ? std::string{} : options.output, options.junit}) {
      if (!output.empty() && output != "-" && is_at(output, status)) {
        throw Error("will not replace " + std::string(input.what) + " with " + text::escaped(output) +
                        "; give another name",
                    Exit::kUsage);
      }
    }
  }
}

capture::Packing packing(const Options& options) {
  return options.plain ? capture::Packing::kPlain : capture::Packing::kPacked;
}

std::unique_ptr<text::RowWriter> make_writer(const Options& options) {
  if (options.columns.empty()) return text::make_row_writer(options.format, options.time);
  return std::make_unique<text::ColumnsWriter>(options.format, options.columns);
}

std::unique_ptr<Sink> make_sink(const Options& options, Reading& reading, Output& output, NewestFrames* newest) {
  if (options.rewrite) {
    const auto put = [&output, newest](Bytes frame) {
      if (newest != nullptr) {
        newest->add(frame);
      } else {
        output.write({reinterpret_cast<const char*>(frame.data()), frame.size()});
      }
    };
    return std::make_unique<Rewriter>(put, packing(options), reading.size() > 1, reading.timeline(), options.from_csv);
  }
  if (options.page) return std::make_unique<PageReport>(options, output);
  if (options.canonical) {
    const auto fixed = options.format == text::Format::kTable ? text::table_columns() : text::csv_columns();
    std::vector<text::Column> columns = options.columns;
    if (columns.empty()) columns.assign(fixed.begin(), fixed.end());
    if (options.time == text::TimeColumn::kRelative) columns.insert(columns.begin(), text::Column::kTime);
    return std::make_unique<CanonicalReport>(options.format, columns, options.canonical_rules, reading.timeline(), output);
  }
  if (options.summary) {
    return std::make_unique<SummarySink>(make_summary(*options.summary), options.format, reading.size(), output);
  }
  const std::size_t rows_per_piece = options.format == text::Format::kJson ? 6144 : 16384;
  return std::make_unique<RowReport>([&options] { return make_writer(options); }, rows_per_piece, reading.size(),
                                     reading.timeline(), reading.workers(), output);
}

// Before anything of a stranger's is read, the key is.
Anonymizing make_anonymizing(const Options& options, const Streams& streams) {
  const std::string& first = options.files.front();
  std::error_code none;
  const std::uintmax_t size = std::filesystem::is_regular_file(first, none) ? std::filesystem::file_size(first, none) : 0;
  // 32 bytes or 64 digits and a line's end: a key, and too short for a capture.
  if (options.key_file.empty() && !options.from_csv && !none && size >= 32 && size <= 66) {
    throw Error(text::escaped(first) + " is too short for a capture; a key is given as --anonymize=" + text::escaped(first),
                Exit::kUsage);
  }
  Anonymizing how{.settings = options.anonymity};
  how.settings.key = options.key_file.empty() ? anonymize::random_key()
                                              : anonymize::read_key(options.key_file, streams.complain);
  return how;
}

// Rows, and what is made of them.
Exit report_rows(const Options& options, const Streams& streams) {
  std::optional<Anonymizing> anonymizing;
  std::optional<anonymize::LeakCheck> leak_check;
  if (options.anonymize) {
    anonymizing = make_anonymizing(options, streams);
    anonymizing->witness = &leak_check.emplace(anonymizing->settings);
  }
  Reading reading(options.files, options, streams.in, options.rewrite);
  OutputTarget target(options.output, options.force, options.rewrite || options.page, streams.out);
  if (options.rewrite && (leak_check || options.max_bytes) && !target.is_file()) {
    throw Error("with --anonymize and --max-bytes a capture needs a file of its own, which " + target.name() + " is not",
                Exit::kUsage);
  }
  Output output(target.fd(), target.name());
  if (leak_check && !options.rewrite) {
    output.inspect([&](std::string_view lines) { leak_check->check_text(lines, target.name()); });
  }
  std::optional<NewestFrames> newest;
  if (options.max_bytes) newest.emplace(target.fd(), *options.max_bytes, packing(options), target.name());
  std::unique_ptr<Sink> sink = make_sink(options, reading, output, newest ? &*newest : nullptr);
  if (leak_check && !options.rewrite) sink = checked(std::move(sink), *leak_check, target.name());
  if (anonymizing) reading.anonymize(*anonymizing);
  reading.attach(*sink);
  if (streams.before_reading) streams.before_reading({target.folder()});
  reading.run(output, target.is_terminal() ? -1 : streams.terminal);
  if (newest) newest->finish();
  if (leak_check && options.rewrite) leak_check->check(target.fd(), packing(options), target.name());
  target.finish();
  for (const std::string& line : {newest ? newest->left_out() : "", leak_check ? leak_check->caveat() : ""}) {
    if (!line.empty()) streams.complain(target.name() + ": " + line);
  }
  return output.closed() ? Exit::kClean : reading.conclude(streams.complain);
}

// --info and --verify: all of every input, and no rows.
class Description final : public Sink {
 public:
  // `info`: else --verify.
  Description(bool info, bool json, Output& output) : info_(info), json_(json), output_(output) {}

  capture::Columns columns() const override { return capture::kAllColumns; }
  Observer observer(std::size_t) override {
    if (!info_) return {};
    return {.session = [&](const SessionTotals& session) {
      if (json_) {
        writer_.session(session, output_.buffer());
      } else {
        append_session(session, output_.buffer());
      }
      output_.flush_if_full();
    }};
  }
  void append(const Run&, const std::shared_ptr<const void>&) override {}

  // All of one input.
  void describe(Input& input) {
    text::Buffer& out = output_.buffer();
    input.open();
    if (json_) writer_.open(input.name(), out);
    else if (info_) out.append(input.name() + "\n");
    Busiest busiest;
    input.drain([&](const capture::Batch& batch, std::uint32_t from) { busiest.add(batch, from); });
    if (json_) writer_.close(input.totals(), busiest, out);
    else if (info_) append_rest(input.totals(), busiest, out);
    else append_verdict(input.name(), input.totals(), input.offset(), out);
    output_.flush();
  }

 private:
  bool info_;
  bool json_;
  InfoJson writer_;
  Output& output_;
};

Exit report_whole(const Options& options, const Streams& streams) {
  Reading reading(options.files, options, streams.in, true);
  OutputTarget target(options.output, options.force, false, streams.out);
  Output output(target.fd(), target.name());
  Description description(options.info, options.info && options.format == text::Format::kJson, output);
  reading.attach(description);
  if (streams.before_reading) streams.before_reading({target.folder()});
  for (const auto& input : reading.inputs()) description.describe(*input);
  target.finish();
  return output.closed() ? Exit::kClean : reading.conclude(streams.complain);
}

}  // namespace

Exit run(const Options& options, const Streams& streams) {
  refuse_terminal(options, streams.in);
  refuse_to_replace_inputs(options, streams.in);
  ignore_signal(SIGPIPE);
  allow_many_files();
  if (options.diff) return report_difference(options, streams);
  if (!options.expect.empty()) return report_expectations(options, streams);
  return options.info || options.verify ? report_whole(options, streams) : report_rows(options, streams);
}

}  // namespace tcpaccept::report
