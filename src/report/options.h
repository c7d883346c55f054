// The command line of tcpaccept-report.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "anonymize/anonymizer.h"
#include "compare/canonical.h"
#include "compare/comparison.h"
#include "text/columns.h"
#include "report/filter.h"
#include "report/summary_options.h"
#include "text/row_writer.h"

namespace tcpaccept::report {

struct Options {
  std::vector<std::string> files;  // "-" = standard input; never empty after parse_options
  bool standard_input_by_default = false;  // no FILE was given
  bool from_csv = false;                   // the files are CSV
  FilterSpec filter;
  text::Format format = text::Format::kTable;
  text::TimeColumn time = text::TimeColumn::kNone;
  std::vector<text::Column> columns;  // --columns; empty = those of the format
  std::optional<SummaryOptions> summary;
  bool info = false;
  bool verify = false;
  bool rewrite = false;  // --format capture, --recover
  bool plain = false;    // of a capture
  bool page = false;     // --format html
  std::size_t rows = 10'000;  // of a page: listed one by one
  std::string output;    // -o; "" = standard output
  bool force = false;
  bool follow = false;
  bool require_complete = false;
  bool anonymize = false;
  std::string key_file;           // of anonymize; "" = a random key
  anonymize::Settings anonymity;  // of anonymize, without the key
  std::optional<std::uint64_t> max_bytes;  // of a capture
  bool canonical = false;
  compare::CanonicalRules canonical_rules;  // also of diff
  bool diff = false;
  bool sequence = false;
  compare::Tolerance tolerance;
  std::string expect;  // file; "" = none
  std::string junit;   // file; "" = none
  unsigned jobs = 0;  // threads, 0 = one for each processor, up to a few
};

struct ParsedOptions {
  Options options;
  std::optional<std::string> message;  // --help or --version: print this on standard output and end
};

// Throws Error with Exit::kUsage and one line for whatever is wrong.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace tcpaccept::report
