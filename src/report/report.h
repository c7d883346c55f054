// tcpaccept-report: from captures to rows or to a description of the captures.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "report/options.h"

namespace tcpaccept::report {

struct Streams {
  int in = 0;   // borrowed
  int out = 1;  // borrowed
  // Takes one line (without its end) for standard error.
  std::function<void(const std::string&)> complain;
  // Called once when all inputs and outputs are open and not a byte of a capture has been read (confine.h).
  std::function<void(const std::vector<int>& output_folders)> before_reading = nullptr;
  int terminal = -1;  // borrowed; where progress is shown, if anywhere
};

// Does what the options ask for. kClean, or kIncomplete after complaining about everything the captures lack;
// kClean also when whoever reads the output went away. Throws Error. Ignores SIGPIPE for the process.
Exit run(const Options& options, const Streams& streams);

}  // namespace tcpaccept::report
