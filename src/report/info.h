// `--info`: what a capture holds, for a person. Text from the file is escaped; every value is on a line of its own
// with its name in front, so that it can be searched for.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "text/buffer.h"
#include "report/busiest.h"
#include "report/totals.h"

namespace tcpaccept::report {

// A fact of a session: its name, and a value that is safe to print.
using AddFact = std::function<void(std::string_view name, std::string_view value)>;

// All that is known of one session. `all_events`: each of its batches was given to Totals::add_events().
void describe_session(const SessionTotals& session, bool all_events, const AddFact& add);

// One session of the input.
void append_session(const SessionTotals& session, text::Buffer& out);

// What follows the sessions: the busiest listeners, every listed hole and damage, and whether the input is complete.
void append_rest(const Totals& totals, const Busiest& busiest, text::Buffer& out);

// --verify: whether all of it is intact, and where it is not.
void append_verdict(const std::string& name, const Totals& totals, std::uint64_t bytes, text::Buffer& out);

}  // namespace tcpaccept::report
