// tcpaccept-record: records TCP accepts into a capture file.
#include <cstdio>

#include "record/options.h"
#include "record/recorder.h"

int main(int argc, char** argv) {
  using namespace tcpaccept;
  try {
    const auto line = record::parse_record(argc, argv);
    if (!line.run) {
      std::fputs(line.text.c_str(), line.status == Exit::kClean ? stdout : stderr);
      return static_cast<int>(line.status);
    }
    return static_cast<int>(record::run_recorder(line.options));
  } catch (const Error& error) {
    std::fprintf(stderr, "tcpaccept-record: %s\n", error.what());
    return static_cast<int>(error.status());
  }
}
