// Rows and holes of all inputs into a summary, which is written at the end.
#pragma once

#include <memory>
#include <vector>

#include "report/options.h"
#include "report/output.h"
#include "report/sink.h"
#include "summary/summary.h"

namespace tcpaccept::report {

class SummarySink final : public Sink {
 public:
  // `inputs`: how many there are. Borrows `output`.
  SummarySink(std::unique_ptr<summary::Summary> summary, text::Format format, std::size_t inputs, Output& output);

  capture::Columns columns() const override { return summary_->columns(); }
  Observer observer(std::size_t input) override;
  void append(const Run& run, const std::shared_ptr<const void>& hold) override;
  void finish(const Inputs& inputs) override;

 private:
  std::unique_ptr<summary::Summary> summary_;
  text::Format format_;
  std::vector<text::Selection> begun_;  // for each input: the first run of its batch
  Output& output_;
};

std::unique_ptr<summary::Summary> make_summary(const SummaryOptions& options);

}  // namespace tcpaccept::report
