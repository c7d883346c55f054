// tcpaccept-report: prints what tcpaccept-record recorded. Wires the command line to src/report, nothing else.
#include <unistd.h>

#include <exception>
#include <string>

#include "core/error.h"
#include "core/printable.h"
#include "core/standard_fds.h"
#include "report/confine.h"
#include "report/options.h"
#include "report/report.h"

namespace {

void complain(const std::string& line) { tcpaccept::complain("tcpaccept-report", line); }

}  // namespace

int main(int argc, char** argv) {
  tcpaccept::occupy_standard_descriptors();
  try {
    const tcpaccept::report::ParsedOptions parsed = tcpaccept::report::parse_options(argc, argv);
    if (parsed.message) return tcpaccept::print_and_exit("tcpaccept-report", *parsed.message, 0);
    return static_cast<int>(tcpaccept::report::run(
        parsed.options,
        {.in = 0, .out = 1, .complain = complain, .before_reading = tcpaccept::report::confine,
         .terminal = ::isatty(STDERR_FILENO) == 1 ? STDERR_FILENO : -1}));
  } catch (const tcpaccept::Error& error) {
    complain(error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    complain(error.what());
    return static_cast<int>(tcpaccept::Exit::kFailed);
  }
}
