// The raw log reader and the pump behind it.
#include <cstdint>
#include <optional>

#include "core/error.h"
#include "record/pump.h"
#include "record/raw_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tcpaccept;
  std::optional<record::Pump> pump;
  try {
    record::read_raw_log({reinterpret_cast<const std::byte*>(data), size},
                         {.setup =
                              [&](const record::RawSetup& setup) {
                                pump.emplace(setup.decoder, setup.pump, capture::ClockAnchor{}, [](const auto&) {});
                              },
                          .round =
                              [&](const record::RawRound& round) {
                                if (!pump) return;
                                pump->begin_round(round.clock);
                                for (const std::uint32_t pid : round.ended) pump->ended(pid);
                                for (const auto& chunk : round.chunks) pump->records(chunk.cpu, chunk.records);
                                pump->end_round(round.counts);
                              },
                          .finish =
                              [&](const record::RawFinish&) {
                                if (pump) pump->finish();
                              }});
  } catch (const Error&) {
  }
  return 0;
}

// As in format_fuzz.cc: a leak of libtraceevent on broken texts.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libtraceevent\n"; }
