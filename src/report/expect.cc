#include "report/expect.h"

#include <algorithm>
#include <string>

#include "report/expectations.h"
#include "report/reading.h"
#include "report/verdict.h"

namespace tcpaccept::report {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 20;

// The user's own file, so it is read before captures are.
std::string whole_file(const std::string& path) {
  const OpenFile file = open_file(path, -1, false);
  const capture::Source source = capture::read_from(file.fd, file.name);
  std::string text;
  for (std::size_t got = 1; got != 0;) {
    if (text.size() > kMaxFile) throw Error(file.name + ": is larger than 1 MiB, no file of expectations");
    const std::size_t size = text.size();
    text.resize(size + 4096);
    got = source.read(reinterpret_cast<std::byte*>(text.data() + size), 4096);
    text.resize(size + got);
  }
  return text;
}

constexpr const char* kSuite = "tcpaccept-report --expect";

Exit check_captures(const Options& options, const Streams& streams, VerdictOutputs& outputs) {
  Expectations expectations(parse_expectations(whole_file(options.expect), display_name(options.expect)));
  Reading reading(options.files, options, streams.in, true);
  reading.attach(expectations);
  outputs.confine(streams);
  reading.run(outputs.text(), streams.terminal);
  const bool complete = reading.conclude(streams.complain) == Exit::kClean;
  refuse_damage(reading.inputs());
  const bool placed = std::all_of(reading.inputs().begin(), reading.inputs().end(), [&](const auto& input) {
    return input->totals().findings().placed(options.require_complete);
  });
  using Missing = Expectations::Missing;
  const Missing missing = complete ? Missing::kNothing : placed ? Missing::kInHoles : Missing::kAnywhere;
  std::vector<compare::TestCase> cases;
  const Exit answer = expectations.conclude(missing, outputs.text().buffer(), cases);
  outputs.finish(kSuite, cases);
  return answer;
}

}  // namespace

Exit report_expectations(const Options& options, const Streams& streams) {
  return with_verdict([&] {
    VerdictOutputs outputs(options, streams);
    return outputs.answer(kSuite, [&] { return check_captures(options, streams, outputs); });
  });
}

}  // namespace tcpaccept::report
