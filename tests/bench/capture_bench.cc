// Size and speed of the capture format on made-up accepts: bytes for each accept, packing and unpacking rates on
// one core. Usage: capture_bench [ACCEPTS]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "capture/codec.h"
#include "capture/reader.h"
#include "support/batches.h"

namespace {

using namespace tcpaccept;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void measure(const char* name, const test::Workload& workload, capture::Packing packing, std::size_t accepts,
             std::size_t batch_events) {
  std::vector<capture::Batch> batches;
  test::AcceptSource source{workload};
  for (std::size_t made = 0; made < accepts; made += batch_events) {
    batches.push_back(test::make_batch(source, std::min(batch_events, accepts - made)));
  }
  capture::Encoder encoder;
  std::vector<std::byte> file;
  const auto encode_start = Clock::now();
  for (const capture::Batch& batch : batches) {
    const Bytes frame = encoder.encode(batch, packing);
    file.insert(file.end(), frame.begin(), frame.end());
  }
  const double encoding = seconds_since(encode_start);

  capture::Reader reader{capture::read_from(Bytes{file})};
  const auto decode_start = Clock::now();
  std::size_t read = 0;
  for (;;) {
    const auto item = reader.next();
    const auto* batch = std::get_if<const capture::Batch*>(&item);
    if (batch == nullptr) break;
    read += (*batch)->size();
  }
  const double decoding = seconds_since(decode_start);
  if (read != accepts) std::printf("WRONG: %zu of %zu accepts read back\n", read, accepts);
  const auto count = static_cast<double>(accepts);
  std::printf("%-34s %6zu/batch  %6.2f bytes/accept  write %6.1f M/s (%5.1f ns)  read %6.1f M/s\n", name, batch_events,
              static_cast<double>(file.size()) / count, count / encoding / 1e6, encoding / count * 1e9,
              count / decoding / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t accepts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  test::Workload few{.remote_addresses = 8, .threads = 1, .metrics = false};
  test::Workload many{.remote_addresses = 4683, .threads = 1, .metrics = false};
  test::Workload few_all = few;
  few_all.metrics = true;
  test::Workload many_all = many;
  many_all.metrics = true;
  for (const std::size_t batch : {std::size_t{1024}, capture::kDefaultBatchEvents, capture::kMaxBatchEvents}) {
    measure("packed, 8 addresses", few, capture::Packing::kPacked, accepts, batch);
    measure("packed, 4683 addresses", many, capture::Packing::kPacked, accepts, batch);
    measure("packed, 8, with queue metrics", few_all, capture::Packing::kPacked, accepts, batch);
    measure("packed, 4683, with queue metrics", many_all, capture::Packing::kPacked, accepts, batch);
    measure("plain, 4683, with queue metrics", many_all, capture::Packing::kPlain, accepts, batch);
  }
}
