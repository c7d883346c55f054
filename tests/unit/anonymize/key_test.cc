#include "anonymize/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/error.h"

namespace tcpaccept::anonymize {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class KeyFile : public ::testing::Test {
 protected:
  KeyFile() {
    std::string name = (fs::temp_directory_path() / "key_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~KeyFile() override { fs::remove_all(folder_); }
  std::string write(const std::string& text, fs::perms perms = fs::perms::owner_read) const {
    const fs::path file = folder_ / "key";
    fs::remove(file);
    std::ofstream(file, std::ios::binary) << text;
    fs::permissions(file, perms);
    return file.string();
  }
  Key read(const std::string& path) {
    warning_.clear();
    return read_key(path, [&](const std::string& line) { warning_ += line; });
  }
  std::string refused(const std::string& path) {
    try {
      read(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  std::string warning_;
};

TEST_F(KeyFile, HoldsBytesOrDigits) {
  std::string raw, digits;
  Key expected{};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] = static_cast<std::uint8_t>(i * 37 + 200);
    raw += static_cast<char>(expected[i]);
    constexpr std::string_view kHex = "0123456789abCDEF";
    digits += kHex[expected[i] >> 4];
    digits += kHex[expected[i] & 15];
  }
  EXPECT_EQ(read(write(raw)), expected);
  EXPECT_EQ(read(write(digits)), expected);
  EXPECT_EQ(read(write(digits + "\n")), expected);
  EXPECT_EQ(warning_, "");
}

TEST_F(KeyFile, AnythingElseIsRefused) {
  for (const std::string& text : {std::string(), std::string(31, 'x'), std::string(33, 'x'), std::string(64, 'x'),
                                  std::string(63, '0'), std::string(64, '0') + "\n\n", std::string(1000, '0')}) {
    EXPECT_THAT(refused(write(text)), HasSubstr("is not a key, which is 32 bytes or 64 hexadecimal digits")) << text.size();
  }
  EXPECT_THAT(refused((folder_ / "absent").string()), HasSubstr("No such file"));
  EXPECT_THAT(refused(folder_.string()), HasSubstr("is not a key"));
}

TEST_F(KeyFile, MayBeAPipeOfALateWriter) {
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto through = [&](const std::string& text) {
    std::thread writer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      std::ofstream out(pipe, std::ios::binary);
      for (const char c : text) out << c << std::flush;
    });
    std::string why = refused(pipe);
    writer.join();
    return why;
  };
  EXPECT_EQ(through(std::string(32, 'k')), "");
  EXPECT_EQ(through(std::string(64, 'a') + "\n"), "");
  EXPECT_EQ(warning_, "");
  EXPECT_THAT(through(std::string(31, 'k')), HasSubstr("is not a key"));
  EXPECT_THAT(through(std::string(67, 'a')), HasSubstr("is not a key")) << "bounded";
}

TEST_F(KeyFile, OthersWhoMayReadItAreSaid) {
  read(write(std::string(32, 'k'), fs::perms::owner_read | fs::perms::group_read));
  EXPECT_THAT(warning_, HasSubstr("open to others than its owner"));
}

TEST(RandomKey, IsAnotherEachTime) { EXPECT_NE(random_key(), random_key()); }

}  // namespace
}  // namespace tcpaccept::anonymize
