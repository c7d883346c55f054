// What becomes of the rows: text, a new capture, a summary.
//
// Rows of all inputs arrive in time order, as runs of one batch. What the inputs tell beside rows arrives through the
// observers, in the order of each input.
#pragma once

#include <memory>
#include <vector>

#include "capture/format.h"
#include "report/merge.h"
#include "report/totals.h"

namespace tcpaccept::report {

class Input;
using Inputs = std::vector<std::unique_ptr<Input>>;

class Sink {
 public:
  Sink() = default;
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // The columns of events it looks at.
  virtual capture::Columns columns() const = 0;
  // What input number `input` tells about itself goes there.
  virtual Observer observer(std::size_t /*input*/) { return {}; }

  // Before the first row; the inputs have turned out to be captures, and what begins with a start has told of it.
  virtual void begin() {}
  // The run is valid during the call; `hold` keeps its batch and its rows longer, if it is not null.
  virtual void append(const Run& run, const std::shared_ptr<const void>& hold) = 0;
  // All rows so far are to be in the output now: somebody waits for them.
  virtual void flush() {}
  // After the last row. The inputs are read, their accounts closed.
  virtual void finish(const Inputs& /*inputs*/) {}
};

}  // namespace tcpaccept::report
