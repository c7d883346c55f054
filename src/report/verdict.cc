#include "report/verdict.h"

#include "report/input.h"

namespace tcpaccept::report {

VerdictOutputs::VerdictOutputs(const Options& options, const Streams& streams)
    : target_(options.output, options.force, false, streams.out),
      junit_target_(options.junit, options.force, false, streams.out),
      text_(target_.fd(), target_.name()),
      junit_(!options.junit.empty()) {}

void VerdictOutputs::confine(const Streams& streams) const {
  if (streams.before_reading) streams.before_reading({target_.folder(), junit_target_.folder()});
}

void VerdictOutputs::finish(const std::string& suite, const std::vector<compare::TestCase>& cases) {
  finished_ = true;
  text_.flush();
  target_.finish();
  write_junit(suite, cases);
}

void VerdictOutputs::write_junit(const std::string& suite, const std::vector<compare::TestCase>& cases) {
  if (!junit_) return;
  Output out(junit_target_.fd(), junit_target_.name());
  compare::append_junit(suite, cases, out.buffer());
  out.flush();
  junit_target_.finish();
}

void VerdictOutputs::write_trouble(const std::string& suite, const std::string& what) {
  if (finished_) return;  // it was the writing that failed
  try {
    write_junit(suite, {{.name = "files", .result = compare::TestCase::Result::kTrouble, .detail = what}});
  } catch (const std::exception& error) {
    throw Error(what + "; and " + error.what());
  }
}

void refuse_damage(const Inputs& inputs) {
  for (const auto& input : inputs) {
    if (input->totals().findings().damages == 0) continue;
    throw Error(input->name() + ": is damaged; tcpaccept-report --recover writes what is intact to a new capture");
  }
}

}  // namespace tcpaccept::report
