// Results for a continuous-integration server, in the XML that JUnit made common.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "text/buffer.h"

namespace tcpaccept::compare {

struct TestCase {
  enum class Result : std::uint8_t { kPass, kFail, kUnknown, kTrouble };  // kTrouble: could not be checked

  std::string name{};  // printable ASCII, as is `detail` but for line ends
  Result result = Result::kPass;
  std::string detail{};  // why
};

// `suite`: its name. A result that is not known, or could not be had, is an <error>.
void append_junit(const std::string& suite, std::span<const TestCase> cases, text::Buffer& out);

}  // namespace tcpaccept::compare
