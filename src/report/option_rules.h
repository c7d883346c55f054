// Which options go together: one table instead of a condition for each pair.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tcpaccept::report {

// `given`: long names of the options on the command line ("--pid", "-t" where there is none), `format` that of --format.
// Throws ValueError naming the two that do not go together.
void demand_compatible(const std::vector<std::string>& given, std::string_view format);

}  // namespace tcpaccept::report
