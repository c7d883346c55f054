#include "core/printable.h"

#include <gtest/gtest.h>

namespace tcpaccept {
namespace {

TEST(Printable, OneLineOfPlainAscii) {
  EXPECT_EQ(printable("a b\\~"), "a b\\~");
  EXPECT_EQ(printable("\n\x1b[31m\x7f\xc3\xa4"), "\\x0a\\x1b[31m\\x7f\\xc3\\xa4");
  EXPECT_EQ(printable(std::string_view{"\0", 1}), "\\x00");
}

}  // namespace
}  // namespace tcpaccept
