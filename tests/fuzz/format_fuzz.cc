// An event's format text, as libtraceevent and we understand it.
#include <cstdint>

#include "core/error.h"
#include "perf/decoder.h"
#include "perf/event_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tcpaccept;
  const std::string text{reinterpret_cast<const char*>(data), size};
  try {
    perf::parse_event_format(text);
    const perf::Decoder decoder{{.formats = {text}}};
  } catch (const Error&) {
  }
  return 0;
}

// libtraceevent 1.7.1 leaks a few hundred bytes on some broken texts; that is not what this target looks for.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libtraceevent\n"; }
