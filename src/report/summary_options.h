// --summary, --top and --rate: figures instead of rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "summary/top.h"

namespace tcpaccept::report {

struct SummaryOptions {
  enum class Kind { kByListener, kTop, kOverTime };

  Kind kind = Kind::kByListener;
  std::size_t most = 0;       // of kTop
  summary::TopField field{};  // of kTop
  std::int64_t interval = 0;  // of kOverTime, nanoseconds
};

// As they are on the command line; "" = not given.
struct SummaryTexts {
  bool by_listener = false;
  std::string top;
  std::string by;
  std::string rate;
};

// Nothing if no summary is asked for. Throws ValueError.
std::optional<SummaryOptions> summary_options(const SummaryTexts& texts);

}  // namespace tcpaccept::report
