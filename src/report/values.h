// Values of options and of other things that users write: numbers, ports, addresses, times.
//
// Texts come as lists, because options may be given again and lists may be comma-separated. `option` is what the message
// about a wrong value begins with.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/ip_address.h"
#include "report/filter.h"
#include "text/escape.h"

namespace tcpaccept::report {

// What all of these throw: the option and what is wrong with its value.
class ValueError : public Error {
 public:
  explicit ValueError(const std::string& what) : Error(what, Exit::kUsage) {}
};

// The parts of a comma-separated list.
std::vector<std::string_view> parts(std::string_view list);

// `what`: what each has to be, "a process id".
template <typename Number>
std::vector<Number> numbers(const char* option, const std::vector<std::string>& lists, const char* what) {
  std::vector<Number> result;
  for (const std::string& list : lists) {
    for (const std::string_view text : parts(list)) {
      Number number{};
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) {
        throw ValueError(std::string(option) + ": '" + text::escaped(text) + "' is not " + what);
      }
      result.push_back(number);
    }
  }
  return result;
}

// "22", "8000-8100", and lists of these.
std::vector<std::uint16_t> port_numbers(const char* option, const std::vector<std::string>& lists);

// "10.0.0.0/8", "fd00::1", and lists of these.
std::vector<IpPrefix> prefixes(const char* option, const std::vector<std::string>& lists);

// Names as tables show them, each as its bytes.
std::vector<std::string> comm_names(const char* option, const std::vector<std::string>& texts);

// "+2.5" or a wall time; nothing if the text is empty.
std::optional<TimeBound> time_bound(const char* option, const std::string& text);

// A TIME, and behind it how far the window reaches to both sides: "+2+-0.5", "+2~0.5", or with a plus-minus sign; ten
// seconds if it does not say. The last instant does not belong to it.
std::pair<std::optional<TimeBound>, std::optional<TimeBound>> time_window(const char* option, std::string_view text);

// "3600", "-3600", "+0.5" as nanoseconds.
std::int64_t signed_seconds(const char* option, std::string_view text);

// "1000", "64k", "10m", "2g" (of 1,024 each); nothing if the text is empty.
std::optional<std::uint64_t> byte_size(const char* option, std::string_view text);

// "250us", "10ms", "1.5s", "5m", "1h", "2d"; nothing if the text is empty.
std::optional<std::uint64_t> microseconds(const char* option, std::string_view text);

}  // namespace tcpaccept::report
