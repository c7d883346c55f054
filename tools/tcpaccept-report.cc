// tcpaccept-report: prints what tcpaccept-record recorded. Wires the command line to src/report, nothing else.
#include <cstdio>
#include <exception>
#include <string>

#include "core/error.h"
#include "report/options.h"
#include "report/report.h"

namespace {

void complain(const std::string& line) { std::fprintf(stderr, "tcpaccept-report: %s\n", line.c_str()); }

}  // namespace

int main(int argc, char** argv) {
  try {
    const tcpaccept::report::ParsedOptions parsed = tcpaccept::report::parse_options(argc, argv);
    if (parsed.message) {
      const bool written = std::fputs(parsed.message->c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
      return written ? 0 : static_cast<int>(tcpaccept::Exit::kFailed);
    }
    return static_cast<int>(tcpaccept::report::run(parsed.options, {.in = 0, .out = 1, .complain = complain}));
  } catch (const tcpaccept::Error& error) {
    complain(error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    complain(error.what());
    return static_cast<int>(tcpaccept::Exit::kFailed);
  }
}
