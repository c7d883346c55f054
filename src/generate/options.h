// The command line of tcpaccept-generate.
#pragma once

#include <optional>
#include <string>

#include "generate/generator.h"

namespace tcpaccept::generate {

struct Options {
  Plan plan;
  std::string output;  // "-" = standard output
  bool force = false;  // replace it
};

struct ParsedOptions {
  Options options;
  std::optional<std::string> message;  // --help or --version: print this on standard output and end
};

// Throws Error with Exit::kUsage and one line for whatever is wrong.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace tcpaccept::generate
