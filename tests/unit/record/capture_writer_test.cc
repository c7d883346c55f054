#include "record/capture_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>

#include "capture/reader.h"
#include "core/error.h"
#include "support/batches.h"

namespace tcpaccept::record {
namespace {

namespace fs = std::filesystem;

class Writing : public testing::Test {
 protected:
  Writing() {
    std::string pattern = (fs::temp_directory_path() / "tcpaccept.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Writing() override { fs::remove_all(folder_); }

  // The next `count` accepts, all of which the probe saw.
  capture::Batch batch(std::size_t count, std::uint32_t open = 0) {
    std::uint64_t now = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Accept accept = source_.next();
      builder_.add(accept);
      now = accept.time;
    }
    capture::Batch batch = builder_.finish({.monotonic = now, .realtime = 0, .boottime = now},
                                           capture::Ledger{.begin = begin_, .end = now, .hits = count, .written = count});
    batch.first_event = made_;
    batch.open = open;
    begin_ = now;
    made_ += count;
    builder_.clear();
    return batch;
  }

  struct Found {
    std::uint64_t accepts = 0, hits = 0, lost = 0, written = 0, ended = 0;
    bool in_sequence = true;
  };
  Found read() const {
    const UniqueFd fd{::open((folder_ / "capture").c_str(), O_RDONLY | O_CLOEXEC)};
    capture::Reader reader{capture::read_from(fd.get(), "capture")};
    Found found;
    for (;;) {
      const auto item = reader.next();
      if (std::holds_alternative<capture::EndOfInput>(item)) return found;
      if (std::holds_alternative<const capture::Damage*>(item)) {
        ADD_FAILURE() << "damage: " << std::get<const capture::Damage*>(item)->why;
        return found;
      }
      if (const auto* end = std::get_if<const capture::End*>(&item)) found.ended = (*end)->written;
      if (const auto* one = std::get_if<const capture::Batch*>(&item)) {
        found.in_sequence = found.in_sequence && (*one)->first_event == found.accepts;
        found.accepts += (*one)->size();
        if (!(*one)->ledger) continue;
        found.hits += (*one)->ledger->hits;
        found.lost += (*one)->ledger->lost;
        found.written += (*one)->ledger->written;
      }
    }
  }

  fs::path folder_;
  Interrupts interrupts_;
  test::AcceptSource source_{{}};
  capture::BatchBuilder builder_;
  std::uint64_t begin_ = 0;
  std::uint64_t made_ = 0;
};

// On a file system of 256 KiB that only this process sees.
class FullDisk : public Writing {
 protected:
  ~FullDisk() override { ::umount2(folder_.c_str(), MNT_DETACH); }
  void SetUp() override {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=256k") != 0) {
      GTEST_SKIP() << "needs to mount a file system";
    }
  }

  void fill() {
    std::ofstream ballast{folder_ / "ballast", std::ios::binary};
    const std::string block(4096, 'x');
    while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() { fs::remove(folder_ / "ballast"); }
};

TEST_F(FullDisk, WhatFitsInMemoryIsWrittenWhenThereIsRoom) {
  OutputFile output{folder_ / "capture", false, interrupts_};
  CaptureWriter writer{output, capture::Packing::kPacked};
  writer.start({});
  writer.batch(batch(500));
  fill();
  for (int i = 0; i < 20; ++i) writer.batch(batch(500));
  EXPECT_TRUE(writer.full());
  EXPECT_GT(writer.held(), 0u);
  make_room();
  writer.batch(batch(500));
  EXPECT_FALSE(writer.full());
  writer.end({.written = made_, .batches = 22});
  const Found found = read();
  EXPECT_EQ(found.accepts, made_);
  EXPECT_EQ(found.lost, 0u);
  EXPECT_EQ(writer.dropped(), 0u);
}

TEST_F(FullDisk, WhatDoesNotFitIsCountedAsLost) {
  OutputFile output{folder_ / "capture", false, interrupts_};
  constexpr std::size_t kHeld = 20'000;
  CaptureWriter writer{output, capture::Packing::kPacked, kHeld};
  writer.start({});
  writer.batch(batch(500));
  fill();
  for (int i = 0; i < 20; ++i) writer.batch(batch(500));
  EXPECT_GT(writer.dropped(), 0u);
  EXPECT_GT(writer.held(), 0u);
  make_room();
  writer.batch(batch(500));  // owns up
  writer.batch(batch(500));
  writer.end({.written = made_, .batches = 23});
  const Found found = read();
  EXPECT_TRUE(found.in_sequence);
  EXPECT_EQ(found.accepts, made_ - writer.dropped());
  EXPECT_EQ(found.ended, found.accepts);
  EXPECT_EQ(found.written, found.accepts);
  EXPECT_EQ(found.lost, writer.dropped());
  EXPECT_EQ(found.hits, made_);
}

TEST_F(FullDisk, AnOpenBatchThatHasNoPlaceIsNotLost) {
  OutputFile output{folder_ / "capture", false, interrupts_};
  output.keep();
  CaptureWriter writer{output, capture::Packing::kPacked};
  writer.start({});
  fill();
  const capture::Batch open = batch(500, 1);
  writer.batch(open);
  EXPECT_TRUE(writer.full());
  EXPECT_EQ(writer.dropped(), 0u);
  make_room();
  capture::Batch final_one = open;
  final_one.open = 0;
  writer.batch(final_one);
  EXPECT_FALSE(writer.full());
  writer.end({.written = made_, .batches = 1});
  EXPECT_EQ(read().accepts, 500u);
}

TEST_F(FullDisk, AnEndThatFindsNoRoomSaysWhatIsMissing) {
  OutputFile output{folder_ / "capture", false, interrupts_};
  CaptureWriter writer{output, capture::Packing::kPacked};
  writer.start({});
  fill();
  for (int i = 0; i < 3; ++i) writer.batch(batch(2000));
  ASSERT_TRUE(writer.full());
  try {
    writer.end({.written = made_, .batches = 3});
    FAIL() << "it ended";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("the last " + std::to_string(writer.held()) + " accepts"), std::string::npos);
  }
}

// From now on nothing of this process reaches a disk.
void break_disks() {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const std::uint32_t call : std::initializer_list<std::uint32_t>{SYS_pwrite64, SYS_write, SYS_ftruncate, SYS_fdatasync}) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) ::_exit(2);
}

class FailingDisk : public Writing {};

TEST_F(FailingDisk, IsNamedAndWhatWasWrittenIsReadable) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    OutputFile output{folder_ / "capture", false, interrupts_};
    CaptureWriter writer{output, capture::Packing::kPacked};
    writer.start({});
    output.keep();
    for (int i = 0; i < 3; ++i) writer.batch(batch(500));
    writer.batch(batch(100, 1));  // into the tail
    break_disks();
    try {
      writer.batch(batch(500));
    } catch (const Error& error) {
      const std::string_view what = error.what();
      const bool named = what.find("capture: Input/output error") != std::string_view::npos && !writer.full();
      ::_exit(named ? 0 : 3);
    }
    ::_exit(4);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) GTEST_SKIP() << "needs seccomp";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read().accepts, 1600u);
}

}  // namespace
}  // namespace tcpaccept::record
