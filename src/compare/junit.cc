#include "compare/junit.h"

#include <algorithm>

namespace tcpaccept::compare {
namespace {

std::string xml(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

}  // namespace

void append_junit(const std::string& suite, std::span<const TestCase> cases, text::Buffer& out) {
  using Result = TestCase::Result;
  const auto count = [&](Result result) {
    return std::count_if(cases.begin(), cases.end(), [&](const TestCase& test) { return test.result == result; });
  };
  out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + xml(suite) + "\" tests=\"" +
             std::to_string(cases.size()) + "\" failures=\"" + std::to_string(count(Result::kFail)) + "\" errors=\"" +
             std::to_string(count(Result::kUnknown) + count(Result::kTrouble)) + "\">\n");
  for (const TestCase& test : cases) {
    out.append("  <testcase name=\"" + xml(test.name) + "\"");
    if (test.result == Result::kPass) {
      out.append("/>\n");
      continue;
    }
    const std::string element = test.result == Result::kFail ? "failure" : "error";
    const char* const message = test.result == Result::kFail      ? "not as expected"
                                : test.result == Result::kUnknown ? "not known: a capture has holes"
                                                                            : "could not be checked";
    out.append("><" + element + " message=\"" + message + "\">" + xml(test.detail) + "</" + element + "></testcase>\n");
  }
  out.append("</testsuite>\n");
}

}  // namespace tcpaccept::compare
