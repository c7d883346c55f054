// CSV from strangers through the door of --from-csv: whatever is read becomes an intact capture, whose accepts have as
// many lines again as CSV; anything else is an Error. Pieces of another length make no difference.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "capture/packed_batch.h"
#include "capture/reader.h"
#include "core/error.h"
#include "report/csv_capture.h"
#include "text/row_writer.h"

namespace {

using namespace tcpaccept;

// The CSV of what was read, or nothing if it is damaged.
std::optional<std::string> read(std::string_view csv, std::size_t piece) {
  const auto bytes = [csv, piece](char* to, std::size_t size) mutable {
    const std::size_t count = csv.copy(to, std::min(size, piece));
    csv.remove_prefix(count);
    return count;
  };
  capture::Reader reader{report::capture_from_csv("fuzz", bytes)};
  const auto writer = text::make_row_writer(text::Format::kCsv, text::TimeColumn::kNone);
  text::Buffer out;
  writer->append_header(out);
  std::vector<std::uint32_t> rows;
  std::uint64_t accepts = 0;
  try {
    for (;;) {
      const auto item = reader.next();
      if (std::holds_alternative<capture::EndOfInput>(item)) break;
      if (const auto* end = std::get_if<const capture::End*>(&item)) {
        if ((*end)->written != accepts) std::abort();
      } else if (const auto* batch = std::get_if<const capture::Batch*>(&item)) {
        if (capture::inconsistency(**batch) != nullptr) std::abort();
        rows.resize((*batch)->size());
        std::iota(rows.begin(), rows.end(), 0u);
        accepts += rows.size();
        writer->begin_batch(**batch, 0);
        writer->append_rows(rows, out);
      } else if (!std::holds_alternative<const capture::Start*>(item)) {
        std::abort();
      }
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::string(out.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view csv{reinterpret_cast<const char*>(data), size};
  const auto once = read(csv, 1 << 20);
  if (once != read(csv, 7)) std::abort();
  // What was written once reads back as it is.
  if (once && read(*once, 1 << 20) != once) std::abort();
  return 0;
}
