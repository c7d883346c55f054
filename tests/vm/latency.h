// Measures how long a live tracer takes from an accept to the row in its pipe.
#pragma once

#include <string>
#include <vector>

namespace tcpaccept::vm {

struct LatencyOptions {
  int count = 20;           // accepts to make
  double limit_ms = 200;    // a slower row fails the run
  double header_s = 20;     // how long the tracer may take to print its column header
  std::vector<std::string> command;
};

// Starts the command with its standard output in a pipe, waits for the line of column names, makes spaced accepts, and takes the time
// until each row arrives; ends the tracer with SIGINT. Prints "latency: ..." and returns 0 when every row came in time and the tracer
// ended with status 0, else 1 with the reason on standard error.
int measure_latency(const LatencyOptions& options);

}  // namespace tcpaccept::vm
