#include "report/output_target.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using ::testing::HasSubstr;

class Target : public samples::Reports {
 protected:
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  static void put(const OutputTarget& target, std::string_view text) {
    ASSERT_EQ(::write(target.fd(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
};

TEST_F(Target, HasNoNameBeforeItIsFinished) {
  const UniqueFd unnamed(::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!unnamed.valid()) GTEST_SKIP() << "no O_TMPFILE here";
  for (const bool force : {false, true}) {
    OutputTarget target(path("out"), force, false, -1);
    EXPECT_TRUE(target.is_file());
    put(target, force ? "second" : "first");
    EXPECT_EQ(entries(), force ? 1u : 0u);
    target.finish();
    EXPECT_EQ(slurp(path("out")), force ? "second" : "first");
    EXPECT_EQ(entries(), 1u);
  }
}

TEST_F(Target, WhatComesIntoBeingMeanwhileIsNotReplaced) {
  OutputTarget target(path("out"), false, false, -1);
  put(target, "ours");
  write("out", "theirs");
  try {
    target.finish();
    FAIL() << "it was replaced";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("will not overwrite"));
  }
  EXPECT_EQ(slurp(path("out")), "theirs");
}

TEST_F(Target, IsNotReplacedWhereALinkLeadsToAPipe) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("pipe", path("link").c_str()), 0);
  const UniqueFd reader(::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  OutputTarget target(path("link"), false, false, -1);
  EXPECT_FALSE(target.is_file());
  put(target, "text");
  target.finish();
  char text[8];
  EXPECT_EQ(::read(reader.get(), text, sizeof text), 4);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  // A link to anything else is a name that is taken.
  ASSERT_EQ(::symlink("nowhere", path("other").c_str()), 0);
  EXPECT_THROW(OutputTarget(path("other"), false, false, -1), Error);
}

TEST_F(Target, StandardOutputHasSeveralNames) {
  for (const char* name : {"", "-", "/dev/stdout", "/dev/fd/1"}) {
    EXPECT_EQ(OutputTarget(name, true, false, 77).fd(), 77) << name;
  }
}

}  // namespace
}  // namespace tcpaccept::report
