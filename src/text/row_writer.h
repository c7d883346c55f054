// Accepts as text rows: the seed's table, CSV, JSON.
//
// A row writer is a pure function of a batch, a selection of its rows and the options; it knows no files and no
// descriptors. What repeats within a batch (a listener's columns, a peer's address, the text of the current
// second) is formatted once, on first use, and copied from then on: that is where the speed comes from, and why a
// writer remembers its batch. Use one writer per thread and per input that is being merged.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "capture/format.h"
#include "capture/model.h"
#include "text/buffer.h"

namespace tcpaccept::text {

// Row numbers of a batch, ascending.
using Selection = std::span<const std::uint32_t>;

class RowWriter {
 public:
  RowWriter() = default;
  virtual ~RowWriter() = default;
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  // The columns it looks at.
  virtual capture::Columns columns() const { return capture::kAllColumns; }

  // What stands before the first row; may be nothing.
  virtual void append_header(Buffer& out) const = 0;

  // Rows come from `batch` from now on; it is borrowed and must not change until the next begin_batch() or the
  // last append_rows(). `origin` is the instant, on this batch's CLOCK_MONOTONIC, that relative times count from.
  virtual void begin_batch(const capture::Batch& batch, std::uint64_t origin) = 0;

  // Every number in `rows` must be below the batch's size.
  virtual void append_rows(Selection rows, Buffer& out) = 0;
};

enum class Format { kTable, kCsv, kJson };

// The time column of the table; CSV and JSON always carry both clocks.
enum class TimeColumn { kNone, kRelative, kWall };

std::unique_ptr<RowWriter> make_row_writer(Format format, TimeColumn time);

}  // namespace tcpaccept::text
