// tcpaccept-record: records TCP accepts into a capture file.
#include "core/printable.h"
#include "core/freed_memory.h"
#include "core/standard_fds.h"
#include "record/options.h"
#include "record/recorder.h"

int main(int argc, char** argv) {
  using namespace tcpaccept;
  occupy_standard_descriptors();
  keep_freed_memory();
  try {
    const auto line = record::parse_record(argc, argv);
    if (!line.run) return print_and_exit("tcpaccept-record", line.text, static_cast<int>(line.status));
    return static_cast<int>(record::run_recorder(line.options));
  } catch (const Error& error) {
    complain("tcpaccept-record", error.what());
    return static_cast<int>(error.status());
  }
}
