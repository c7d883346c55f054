#include "report/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace tcpaccept::report {

void Progress::say(std::chrono::steady_clock::time_point now, std::uint64_t read) {
  said_ = now;
  shown_ = true;
  const double share = std::min(1.0, static_cast<double>(read) / static_cast<double>(total_));
  const double elapsed = std::chrono::duration<double>(now - begun_).count();
  char text[96];
  const int length = std::snprintf(text, sizeof text, "\r\033[K%.0f %% of %.0f MB read, %.0f s left", share * 100,
                                   static_cast<double>(total_) / 1e6, share > 0 ? elapsed / share - elapsed : 0.0);
  // A terminal that takes no more loses nothing but this.
  [[maybe_unused]] const auto written = ::write(terminal_, text, static_cast<std::size_t>(length));
}

void Progress::clear() {
  if (!shown_) return;
  shown_ = false;
  constexpr std::string_view kClear = "\r\033[K";
  [[maybe_unused]] const auto written = ::write(terminal_, kClear.data(), kClear.size());
}

}  // namespace tcpaccept::report
