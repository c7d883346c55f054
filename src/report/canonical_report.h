// Rows as text without what changes from run to run (compare/canonical.h).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "compare/canonical.h"
#include "report/output.h"
#include "report/sink.h"
#include "text/columns.h"

namespace tcpaccept::report {

// All rows of the inputs, in order, with the text of these columns, to a Canonical.
class CanonicalRows : public Sink {
 public:
  // `time` of a row: as Canonical::add() has it.
  using Time = std::function<std::uint64_t(const capture::Batch& batch, std::uint32_t row)>;

  CanonicalRows(std::vector<text::Column> columns, const compare::CanonicalRules& rules, Time time,
                compare::Canonical::Take take)
      : columns_(columns), time_(std::move(time)), canonical_(std::move(columns), rules, std::move(take)) {}

  capture::Columns columns() const override { return text::columns_for(columns_); }
  void append(const Run& run, const std::shared_ptr<const void>& hold) override;
  void finish(const Inputs& inputs) override;

  const compare::Canonical& canonical() const { return canonical_; }

 private:
  std::vector<text::Column> columns_;
  Time time_;
  compare::Canonical canonical_;
};

class CanonicalReport final : public CanonicalRows {
 public:
  // Borrows timeline and output.
  CanonicalReport(text::Format format, const std::vector<text::Column>& columns, const compare::CanonicalRules& rules,
                  const Timeline& timeline, Output& output)
      : CanonicalRows(
            columns, rules,
            [&timeline](const capture::Batch& batch, std::uint32_t row) { return timeline.key(batch, row); },
            [this](std::span<const std::string> fields, std::uint64_t) { write(fields); }),
        layout_(format, columns),
        output_(output) {}

  void begin() override { layout_.append_header(output_.buffer()); }

 private:
  void write(std::span<const std::string> fields) {
    layout_.append_row(fields, output_.buffer());
    output_.flush_if_full();
  }

  text::RowLayout layout_;
  Output& output_;
};

}  // namespace tcpaccept::report
