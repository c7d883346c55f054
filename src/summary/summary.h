// Accepts reduced to a few figures: a line for each listener, the most frequent values of a field, counts over time.
//
// Memory is bounded for any number of accepts, and most work is done once for each entry of a batch's small tables, not
// for each accept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/format.h"
#include "capture/model.h"
#include "summary/sheet.h"
#include "text/row_writer.h"

namespace tcpaccept::summary {

// A stretch of wall time (nanoseconds since 1970) in which accepts are, or may be, missing.
struct Hole {
  std::string input{};  // whose; printable, as is the reason
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::optional<std::uint64_t> lost{};    // because the recorder's rings were full
  std::optional<std::uint64_t> missed{};  // by the kernel's probe
  std::optional<std::uint64_t> at_most{};
  std::string reason{};
};

struct Holes {
  std::vector<Hole> list{};
  std::uint64_t more = 0;  // that are not in the list
  bool complete = true;    // nothing is known to be missing
};

class Summary {
 public:
  Summary() = default;
  virtual ~Summary() = default;
  Summary(const Summary&) = delete;
  Summary& operator=(const Summary&) = delete;

  // The columns it looks at.
  virtual capture::Columns columns() const = 0;
  // Some rows of a batch, ascending; never none. Batches may come in any order. Throws Error where a limit is exceeded.
  virtual void add(const capture::Batch& batch, text::Selection rows) = 0;
  // Accepts may be missing here. All such stretches, in any order, before, between or after the batches.
  virtual void mark(std::int64_t /*begin*/, std::int64_t /*end*/) {}
  // `holes`: the same stretches for a list, the first ones of many.
  virtual void write(text::Format format, const Holes& holes, const Emit& emit) = 0;
};

}  // namespace tcpaccept::summary
