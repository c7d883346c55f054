// --diff EXPECTED ACTUAL: two captures, or texts that tcpaccept-report once wrote, compared (compare/comparison.h).
//
// An answer that a hole in either side could change is no answer: accepts that are missing in a capture with a hole prove
// nothing, nor do those that are too many when the hole is in the other one.
#pragma once

#include "core/error.h"
#include "report/options.h"
#include "report/report.h"

namespace tcpaccept::report {

// kClean: the same; kFailed: different; kIncomplete: unknown. Throws Error, always with Exit::kUsage.
Exit report_difference(const Options& options, const Streams& streams);

}  // namespace tcpaccept::report
