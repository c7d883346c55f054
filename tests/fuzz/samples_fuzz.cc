// Ring walk and sample decoder on hostile bytes. The first four bytes place the ring's head and tail, the rest is the
// ring's data.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "perf/decoder.h"
#include "perf/record.h"
#include "perf/ring.h"
#include "unit/perf/kernel_formats.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tcpaccept;
  if (size < 4) return 0;
  std::vector<std::byte> ring(4096);
  std::memcpy(ring.data(), data + 4, std::min(size - 4, ring.size()));
  perf_event_mmap_page page{};
  page.data_tail = std::uint64_t{data[0]} * 8 + (std::uint64_t{data[1]} << 20);
  page.data_head = page.data_tail + std::uint64_t{data[2]} * 8 + std::uint64_t{data[3]} * 1024;
  perf::RingReader reader{&page, ring};
  std::vector<std::byte> records;
  reader.drain(records);
  if (page.data_tail != page.data_head) std::abort();

  for (const bool cgroup : {false, true}) {
    for (const auto& format : perf::test::kKernelFormats) {
      const perf::Decoder decoder{{.layout = {cgroup}, .formats = {std::string{format.text}}}};
      Bytes rest{records};
      Bytes record;
      while (perf::next_record(rest, record)) decoder.decode(record);
      if (!rest.empty()) std::abort();  // the walk gives whole records only
    }
  }
  return 0;
}
