// Some inputs as one sequence of rows, from opening them to the account of what they lack.
//
// In steps, because a stranger's bytes are read only after everything is open and the process is confined: construct,
// attach(), [confine], run(), conclude().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "report/input.h"
#include "report/merge.h"
#include "report/options.h"
#include "report/output.h"
#include "report/sink.h"
#include "report/workers.h"

namespace tcpaccept::report {

class Reading {
 public:
  // Opens `files` ("-" = the descriptor `standard_input`, borrowed). `in_step`: what an input tells between two batches
  // reaches the sink between their rows; so nothing is read ahead. Throws Error.
  Reading(const std::vector<std::string>& files, const Options& options, int standard_input, bool in_step);
  // The same for one source, without threads; `name` as given on the command line.
  Reading(const std::string& name, std::unique_ptr<ItemSource> source, const Options& options);

  Timeline& timeline() { return timeline_; }
  Workers& workers() { return workers_; }
  std::size_t size() const { return sources_.size(); }
  // More may arrive while we read.
  bool live() const;

  // Before attach(): the sink gets pseudonyms. `how` is borrowed.
  void anonymize(const Anonymizing& how) { anonymizing_ = &how; }
  // Where everything goes. Borrowed.
  void attach(Sink& sink);
  const Inputs& inputs() const { return inputs_; }

  // Reads all of it, as long as somebody reads `output`. Progress is shown on `terminal`, -1 = nowhere. Throws Error; the
  // rows before that are in the output.
  void run(Output& output, int terminal);

  // Complains about all that is missing.
  Exit conclude(const std::function<void(const std::string&)>& complain) const;

 private:
  void set_first_accept();
  std::uint64_t bytes_to_read() const;
  std::uint64_t bytes_read() const;

  const Options& options_;
  Timeline timeline_;
  Workers workers_;
  std::vector<std::unique_ptr<ItemSource>> sources_;  // until attach()
  std::vector<std::string> names_;
  Inputs inputs_;
  const Anonymizing* anonymizing_ = nullptr;
  Sink* sink_ = nullptr;
};

}  // namespace tcpaccept::report
