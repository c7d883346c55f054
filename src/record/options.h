// Command lines of tcpaccept-record and tcpaccept, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"

namespace tcpaccept::record {

struct RecordOptions {
  bool check = false;               // say what this machine offers, record nothing
  std::string output;               // "" = a dated name in the current folder, "-" = standard output
  bool force = false;
  bool stop_when_full = false;  // --on-full stop
  bool plain = false;               // batches as typed lists instead of packed columns
  std::vector<std::uint32_t> pids;  // empty = all
  double duration = 0;              // seconds; 0 = until a signal
  std::uint64_t count = 0;          // 0 = no limit
  std::uint64_t ring_bytes = 0;     // per CPU; 0 = default
  bool quiet = false;
  bool verbose = false;
  std::string raw;                  // "" = none
  std::string plan;                 // "" = the first that works
};

struct LiveOptions {
  bool timestamps = false;
  std::optional<std::uint32_t> pid;
};

// What a command line asks for: options to run with, or a text to print and a status to end with.
template <typename Options>
struct CommandLine {
  Options options;
  bool run = true;
  std::string text;            // when !run: for standard output if `status` is clean, else for standard error
  Exit status = Exit::kClean;
};

CommandLine<RecordOptions> parse_record(int argc, const char* const* argv);
CommandLine<LiveOptions> parse_live(int argc, const char* const* argv);

// "262144", "256k", "1m": bytes. Nothing when it is no such size.
std::optional<std::uint64_t> parse_size(const std::string& text);

}  // namespace tcpaccept::record
