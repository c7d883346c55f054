// Texts that --diff and --expect are given: each is read, or refused with an Error. Rows that were read are laid out as
// CSV and must read back as they are.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "compare/stored_text.h"
#include "core/error.h"
#include "report/expectations.h"
#include "text/columns.h"

namespace {

using namespace tcpaccept;

using Rows = std::vector<std::vector<std::string>>;

// False: refused.
bool read(std::string_view text, std::size_t piece, Rows& rows) {
  compare::StoredText reader(
      [text, piece](std::span<char> to) mutable {
        const std::size_t count = text.copy(to.data(), std::min(to.size(), piece));
        text.remove_prefix(count);
        return count;
      },
      "fuzz");
  std::vector<std::string> fields;
  try {
    while (reader.next(fields)) rows.push_back(fields);
  } catch (const Error&) {
    return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  Rows rows, in_pieces, again;
  const bool readable = read(text, 1 << 20, rows);
  if (read(text, 3, in_pieces) != readable || in_pieces != rows) std::abort();
  if (readable) {
    std::vector<text::Column> columns{text::Column::kTime};
    columns.insert(columns.end(), text::csv_columns().begin(), text::csv_columns().end());
    const text::RowLayout layout(text::Format::kCsv, columns);
    text::Buffer out;
    layout.append_header(out);
    for (const auto& fields : rows) layout.append_row(fields, out);
    if (!read(out.view(), 1 << 20, again) || again != rows) std::abort();
  }
  try {
    report::parse_expectations(text, "fuzz");
  } catch (const Error&) {
  }
  return 0;
}
