// Command lines of tcpaccept-report: the input is cut into arguments at newlines.
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "report/options.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tcpaccept;
  std::vector<std::string> arguments{"tcpaccept-report"};
  std::string argument;
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n') {
      arguments.push_back(argument);
      argument.clear();
    } else if (data[i] != 0) {
      argument += static_cast<char>(data[i]);
    }
  }
  arguments.push_back(argument);
  std::vector<const char*> argv;
  for (const std::string& one : arguments) argv.push_back(one.c_str());
  try {
    report::parse_options(static_cast<int>(argv.size()), argv.data());
  } catch (const Error&) {
  }
  return 0;
}
