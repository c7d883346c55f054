// What --diff and --expect have in common: they answer, in text and as JUnit XML, and everything that keeps them from it
// is trouble (2), not a no (1).
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "compare/junit.h"
#include "core/error.h"
#include "report/options.h"
#include "report/output.h"
#include "report/output_target.h"
#include "report/report.h"
#include "report/sink.h"

namespace tcpaccept::report {

template <typename Answer>
Exit with_verdict(const Answer& answer) {
  try {
    return answer();
  } catch (const std::exception& error) {
    throw Error(error.what(), Exit::kUsage);
  }
}

class VerdictOutputs {
 public:
  // Opens -o and --junit. Throws Error.
  VerdictOutputs(const Options& options, const Streams& streams);

  // All is open; strangers' bytes are read from here on.
  void confine(const Streams& streams) const;
  Output& text() { return text_; }
  // The exit status of `answer`. Where it throws, the JUnit file says why: a server that shows only that one would show
  // nothing.
  template <typename Answer>
  Exit answer(const std::string& suite, const Answer& answer) {
    try {
      return answer();
    } catch (const std::exception& error) {
      write_trouble(suite, error.what());
      throw;
    }
  }
  // Writes out everything.
  void finish(const std::string& suite, const std::vector<compare::TestCase>& cases);

 private:
  void write_junit(const std::string& suite, const std::vector<compare::TestCase>& cases);
  void write_trouble(const std::string& suite, const std::string& what);

  OutputTarget target_;
  OutputTarget junit_target_;
  Output text_;
  bool junit_;
  bool finished_ = false;
};

// A verdict about a file that is not what was recorded would be none. Throws Error.
void refuse_damage(const Inputs& inputs);

}  // namespace tcpaccept::report
