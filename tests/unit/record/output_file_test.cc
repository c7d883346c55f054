#include "record/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <iterator>
#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace tcpaccept::record {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    std::string pattern = (fs::temp_directory_path() / "tcpaccept.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ / name; }
  static std::string content(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static Bytes bytes(std::string_view text) { return std::as_bytes(std::span{text}); }
  std::string failure(const std::string& path, bool force = false) {
    try {
      OutputFile file{path, force, interrupts_};
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  Interrupts interrupts_;
};

TEST_F(OutputFileTest, ANewFileIsForItsOwnerOnly) {
  OutputFile file{path("new"), false, interrupts_};
  file.append(bytes("abc"));
  file.append(bytes("def"));
  file.sync();
  EXPECT_EQ(content(path("new")), "abcdef");
  EXPECT_EQ(file.written(), 6u);
  struct stat status {};
  ASSERT_EQ(::stat(path("new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(OutputFileTest, AFileThatIsNotKeptIsRemovedAgain) {
  {
    OutputFile file{path("empty"), false, interrupts_};
    file.append(bytes("x"));
  }
  EXPECT_FALSE(fs::exists(path("empty")));
}

TEST_F(OutputFileTest, NothingIsOverwrittenWithoutForce) {
  std::ofstream{path("old")} << "precious";
  EXPECT_NE(failure(path("old")).find("--force"), std::string::npos);
  EXPECT_EQ(content(path("old")), "precious");
  {
    OutputFile file{path("old"), true, interrupts_};
    file.append(bytes("not to be kept"));
    EXPECT_EQ(content(path("old")), "precious");
  }
  EXPECT_EQ(content(path("old")), "precious") << "what came could not be recorded: the old file stays";
  {
    OutputFile file{path("old"), true, interrupts_};
    file.append(bytes("new"));
    file.keep();
    file.append(bytes("er"));
  }
  EXPECT_EQ(content(path("old")), "newer");
  EXPECT_EQ(std::distance(fs::directory_iterator{folder_}, fs::directory_iterator{}), 1);
}

TEST_F(OutputFileTest, ForceReplacesALinkNotItsTarget) {
  std::ofstream{path("target")} << "precious";
  fs::create_symlink("target", path("link"));
  EXPECT_NE(failure(path("link")), "");
  {
    OutputFile file{path("link"), true, interrupts_};
    file.append(bytes("new"));
    file.keep();
  }
  EXPECT_EQ(content(path("target")), "precious");
  EXPECT_FALSE(fs::is_symlink(path("link")));
}

TEST_F(OutputFileTest, RefusalsNameTheFileAndTheReason) {
  EXPECT_EQ(failure(folder_), "cannot write " + folder_.string() + ": it is a directory");
  EXPECT_EQ(failure(folder_, true), "cannot write " + folder_.string() + ": it is a directory");
  EXPECT_EQ(failure(path("no/such")), "cannot create " + path("no/such") + ": No such file or directory");
}

TEST_F(OutputFileTest, DevicesAndFifosAreWrittenNotReplaced) {
  OutputFile null{"/dev/null", false, interrupts_};
  null.append(bytes("x"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  const UniqueFd reader{::open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK)};
  OutputFile fifo{path("fifo"), false, interrupts_};
  fifo.append(bytes("abc"));
  char got[4] = {};
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 3);
}

TEST_F(OutputFileTest, AFullDiskThrowsAndIsNamed) {
  OutputFile full{"/dev/full", false, interrupts_};
  try {
    full.append(bytes("x"));
    FAIL() << "writing to /dev/full worked";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot write /dev/full: No space left on device");
  }
}

TEST_F(OutputFileTest, ATornWriteIsCutOff) {
  // A file size limit stands in for a disk that fills up in the middle of a frame.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  OutputFile file{path("torn"), false, interrupts_};
  file.append(bytes("whole"));
  const rlimit limit{8, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_THROW(file.append(bytes("does not fit")), Error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(content(path("torn")), "whole");
  file.append(bytes(" again"));  // and it can go on where it was
  EXPECT_EQ(content(path("torn")), "whole again");
}

}  // namespace
}  // namespace tcpaccept::record
