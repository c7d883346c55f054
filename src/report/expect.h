// --expect FILE: whether captures hold what is expected of them (expectations.h), as text and for a CI server.
#pragma once

#include "core/error.h"
#include "report/options.h"
#include "report/report.h"

namespace tcpaccept::report {

// kClean: all expectations hold; kFailed: one does not; kIncomplete: one is not known. Throws Error, always with
// Exit::kUsage.
Exit report_expectations(const Options& options, const Streams& streams);

}  // namespace tcpaccept::report
