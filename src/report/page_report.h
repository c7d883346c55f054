// The rows as a page to look at (src/page), with what the inputs tell about themselves and what they lack.
#pragma once

#include "page/page.h"
#include "report/options.h"
#include "report/output.h"
#include "report/sink.h"

namespace tcpaccept::report {

class PageReport final : public Sink {
 public:
  // Borrows both. Asks the system for a random number: before the process is confined.
  PageReport(const Options& options, Output& output);

  capture::Columns columns() const override { return page::Collector::columns(); }
  Observer observer(std::size_t input) override;
  void append(const Run& run, const std::shared_ptr<const void>& hold) override;
  void finish(const Inputs& inputs) override;

 private:
  void describe(std::size_t input, const SessionTotals& session);
  void add_bands(const Findings& findings);
  void add_band(page::Band band);

  const Options& options_;
  Output& output_;
  std::vector<std::string> names_;  // of the inputs
  page::Collector collector_;
  page::About about_;
};

}  // namespace tcpaccept::report
