#include "compare/junit.h"

#include <gtest/gtest.h>

#include <vector>

namespace tcpaccept::compare {
namespace {

TEST(Junit, CountsAndEscapes) {
  const std::vector<TestCase> cases{{.name = "a<b", .result = TestCase::Result::kPass},
                                    {.name = "c", .result = TestCase::Result::kFail, .detail = "\"x\" & y"},
                                    {.name = "d", .result = TestCase::Result::kUnknown, .detail = "z"},
                                    {.name = "e", .result = TestCase::Result::kTrouble, .detail = "f: is damaged"}};
  text::Buffer out;
  append_junit("suite", cases, out);
  EXPECT_EQ(out.view(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"suite\" tests=\"4\" failures=\"1\" errors=\"2\">\n"
            "  <testcase name=\"a&lt;b\"/>\n"
            "  <testcase name=\"c\"><failure message=\"not as expected\">&quot;x&quot; &amp; y</failure></testcase>\n"
            "  <testcase name=\"d\"><error message=\"not known: a capture has holes\">z</error></testcase>\n"
            "  <testcase name=\"e\"><error message=\"could not be checked\">f: is damaged</error></testcase>\n"
            "</testsuite>\n");
}

}  // namespace
}  // namespace tcpaccept::compare
