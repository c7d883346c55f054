#include "report/canonical_report.h"

#include <utility>

namespace tcpaccept::report {

void CanonicalRows::append(const Run& run, const std::shared_ptr<const void>&) {
  for (const std::uint32_t row : run.rows) {
    compare::Fields fields(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) text::append_field(columns_[i], *run.batch, row, 0, fields[i]);
    canonical_.add(time_(*run.batch, row), std::move(fields));
  }
}

void CanonicalRows::finish(const Inputs&) { canonical_.finish(); }

}  // namespace tcpaccept::report
