// `--info`: what a capture holds, for a person. Text from the file is escaped; every value is on a line of its own
// with its name in front, so that it can be searched for.
#pragma once

#include <string>

#include "text/buffer.h"
#include "report/totals.h"

namespace tcpaccept::report {

// One session of the input.
void append_session(const SessionTotals& session, text::Buffer& out);

// What follows the sessions: every listed hole and damage, and whether the input is complete.
void append_findings(const Findings& findings, text::Buffer& out);

// --verify: whether all of it is intact, and where it is not.
void append_verdict(const std::string& name, const Totals& totals, std::uint64_t bytes, text::Buffer& out);

}  // namespace tcpaccept::report
