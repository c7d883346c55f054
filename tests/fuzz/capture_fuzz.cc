// The capture reader, all row writers and the page on hostile bytes. The input is read as it is, and once more with the
// checksums of everything that looks like a frame put right: a stranger who means harm computes them too.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "capture/codec.h"
#include "capture/crc32c.h"
#include "capture/format.h"
#include "capture/packed_batch.h"
#include "capture/reader.h"
#include "page/page.h"
#include "text/row_writer.h"

namespace {

using namespace tcpaccept;

void read_all(Bytes bytes) {
  capture::Reader reader{capture::read_from(bytes)};
  const std::unique_ptr<text::RowWriter> writers[] = {
      text::make_row_writer(text::Format::kTable, text::TimeColumn::kRelative),
      text::make_row_writer(text::Format::kTable, text::TimeColumn::kWall),
      text::make_row_writer(text::Format::kCsv, text::TimeColumn::kNone),
      text::make_row_writer(text::Format::kJson, text::TimeColumn::kNone)};
  page::Collector collector{100};
  std::vector<std::uint32_t> rows;
  text::Buffer out;
  std::uint64_t covered = 0;
  for (;;) {
    const auto item = reader.next();
    if (std::holds_alternative<capture::EndOfInput>(item)) break;
    if (const auto* damage = std::get_if<const capture::Damage*>(&item)) covered += (*damage)->length;
    const auto* batch = std::get_if<const capture::Batch*>(&item);
    if (batch == nullptr) continue;
    if (capture::inconsistency(**batch) != nullptr) std::abort();
    rows.resize((*batch)->size());
    std::iota(rows.begin(), rows.end(), 0u);
    collector.add(**batch, rows);
    for (const auto& writer : writers) {
      writer->begin_batch(**batch, rows.empty() ? 0 : (*batch)->time[0]);
      writer->append_rows(rows, out);
      out.clear();
    }
  }
  page::write_data({}, collector, out, [&out] { out.clear(); });
  if (reader.offset() != bytes.size() || covered > bytes.size()) std::abort();
}

void seal_frames(std::vector<std::byte>& bytes) {
  for (std::size_t at = 0; at + capture::kHeadBytes <= bytes.size();) {
    std::byte* frame = bytes.data() + at;
    if (load<std::uint64_t>(frame + capture::kSyncOffset) != capture::kSync) {
      ++at;
      continue;
    }
    const std::uint16_t head = capture::head_checksum({frame, bytes.size() - at});
    std::memcpy(frame + capture::kHeadCheckOffset, &head, sizeof head);
    const auto length = capture::frame_length({frame, bytes.size() - at});
    if (!length || *length > bytes.size() - at) {
      ++at;
      continue;
    }
    const std::uint32_t checksum = capture::frame_checksum({frame, *length});
    std::memcpy(frame + capture::kCrcOffset, &checksum, sizeof checksum);
    at += *length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* first = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> bytes{first, first + size};
  read_all(bytes);
  seal_frames(bytes);
  read_all(bytes);
  return 0;
}
