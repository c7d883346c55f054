// What a killed recorder leaves: everything it had flushed, each accept once, in a file the report reads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "capture/batch_builder.h"
#include "record/capture_writer.h"
#include "report/report.h"
#include "support/batches.h"

namespace tcpaccept::record {
namespace {

namespace fs = std::filesystem;

// Writes as a recorder does: batches that grow and are handed out again and again until they are final. Accept number i
// happens at time i, so whatever is missing or repeated shows.
class Scribe {
 public:
  Scribe(const std::string& path, unsigned seed) : random_(seed), file_(path, true, interrupts_), writer_(file_, capture::Packing::kPacked) {
    capture::Start start = test::make_start();
    start.probe.self_test = {"IPv4: as expected"};
    writer_.start(start);
    file_.keep();
  }

  // The accepts that are in the file afterwards.
  std::uint64_t flush() {
    const std::size_t more = random_() % 3 == 0 ? random_() % 900 : random_() % 4;
    for (std::size_t i = 0; i < more; ++i) {
      Accept accept = source_.next();
      accept.time = ++accepts_;
      builder_.add(accept);
    }
    capture::Batch& batch = builder_.finish({accepts_ + 1, 0, 0}, std::nullopt);
    batch.ledger = capture::Ledger{.begin = told_ + 1,
                                   .end = accepts_ + 1,
                                   .hits = accepts_ - told_,
                                   .written = accepts_ - told_};
    batch.first_event = told_;
    const bool final = random_() % 12 == 0;
    batch.open = final ? 0 : ++open_;
    writer_.batch(batch);
    if (final) {
      told_ = accepts_;
      open_ = 0;
      ++batches_;
      builder_.clear();
    }
    return accepts_;
  }

  void end() {
    if (open_ != 0) {
      capture::Batch& batch = builder_.finish({accepts_ + 1, 0, 0}, std::nullopt);
      batch.open = 0;
      ++batches_;
      batch.ledger = capture::Ledger{.begin = told_ + 1, .end = accepts_ + 1, .hits = accepts_ - told_, .written = accepts_ - told_};
      batch.first_event = told_;
      writer_.batch(batch);
    }
    writer_.end({.clock = {accepts_ + 1, 0, 0}, .written = accepts_, .batches = batches_, .reason = "test"});
  }
  const OutputFile& file() const { return file_; }
  bool finished() const { return open_ == 0; }  // the batch flushed last

 private:
  std::mt19937 random_;
  Interrupts interrupts_;
  OutputFile file_;
  CaptureWriter writer_;
  capture::BatchBuilder builder_;
  test::AcceptSource source_{{}};
  std::uint64_t accepts_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t batches_ = 0;
  std::uint32_t open_ = 0;
};

class Killed : public testing::Test {
 protected:
  Killed() {
    std::string pattern = (fs::temp_directory_path() / "tcpaccept.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Killed() override { fs::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ / name; }

  // Expects the accepts 1, 2, ... without a hole or a repetition; how many there are.
  std::uint64_t accepts_in(const std::string& file) {
    complaints_.clear();
    report::Options options;
    options.files = {file};
    options.format = text::Format::kCsv;
    options.columns = {text::Column::kTimeNs};
    options.jobs = 1;
    const UniqueFd out{::open(path("rows").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    status_ = report::run(options, {.in = -1, .out = out.get(), .complain = [&](const std::string& line) {
                                      complaints_ += line + "\n";
                                    }});
    std::ifstream rows{path("rows")};
    std::string line;
    std::getline(rows, line);
    std::uint64_t count = 0;
    while (std::getline(rows, line)) {
      if (std::stoull(line) != ++count) {
        ADD_FAILURE() << "row " << count << " is accept " << line;
        return 0;
      }
    }
    return count;
  }

  fs::path folder_;
  std::string complaints_;
  Exit status_{};
};

TEST_F(Killed, AtAnyMomentNothingFlushedIsLost) {
  constexpr int kTimes = 1000;
  auto* flushed = static_cast<std::atomic<std::uint64_t>*>(
      ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(static_cast<void*>(flushed), MAP_FAILED);
  std::mt19937 random{7};
  std::uint64_t most = 0;
  for (int i = 0; i < kTimes; ++i) {
    *flushed = 0;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Scribe scribe{path("killed"), static_cast<unsigned>(i)};
      for (;;) *flushed = scribe.flush();
    }
    // Not by the clock: a moment at random, counted in accepts, and then however long kill(2) takes.
    const std::uint64_t enough = 1 + random() % 4000;
    while (*flushed < enough) ASSERT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "it died by itself";
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const std::uint64_t known = *flushed;
    const std::uint64_t found = accepts_in(path("killed"));
    ASSERT_GE(found, known) << "round " << i << "\n" << complaints_;
    ASSERT_EQ(status_, Exit::kIncomplete) << "round " << i;
    ASSERT_NE(complaints_.find("not ended cleanly"), std::string::npos) << complaints_;
    ASSERT_EQ(complaints_.find("accepts missing"), std::string::npos) << complaints_;
    ASSERT_EQ(complaints_.find("balance"), std::string::npos) << complaints_;
    most = std::max(most, found);
  }
  EXPECT_GT(most, 2000u);
  ::munmap(flushed, sizeof *flushed);
}

std::string content(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_F(Killed, ATornWriteCostsNoMoreThanItself) {
  Scribe scribe{path("growing"), 3};
  std::string before = content(path("growing"));
  std::uint64_t known = 0;
  for (int i = 0; i < 60; ++i) {
    const std::uint64_t flushed = scribe.flush();
    const std::string after = content(path("growing"));
    // A write that got so far: the bytes in front are new, those behind are what was there. (A final batch is written
    // twice, the first time behind everything else.)
    const auto differs = static_cast<std::size_t>(
        std::mismatch(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(std::min(before.size(), after.size())),
                      before.begin())
            .first -
        after.begin());
    for (std::size_t cut = differs; !scribe.finished() && cut < after.size(); cut += 1 + (after.size() - differs) / 7) {
      std::string torn = after.substr(0, cut);
      if (before.size() > cut) torn += before.substr(cut);
      std::ofstream{path("torn"), std::ios::binary | std::ios::trunc} << torn;
      ASSERT_GE(accepts_in(path("torn")), known) << "flush " << i << ", cut at " << cut << "\n" << complaints_;
    }
    ASSERT_EQ(accepts_in(path("growing")), flushed) << complaints_;
    before = after;
    known = flushed;
  }
}

TEST_F(Killed, ACleanEndLeavesNoTrace) {
  Scribe scribe{path("clean"), 5};
  std::uint64_t flushed = 0;
  for (int i = 0; i < 200; ++i) flushed = scribe.flush();
  scribe.end();
  EXPECT_EQ(accepts_in(path("clean")), flushed);
  EXPECT_EQ(status_, Exit::kClean) << complaints_;
  EXPECT_EQ(complaints_, "");
  EXPECT_EQ(fs::file_size(path("clean")), scribe.file().written());
  const std::string bytes = content(path("clean"));
  EXPECT_EQ(bytes.find(std::string(64, '\0')), std::string::npos) << "nothing is left of the zeros between";
}

}  // namespace
}  // namespace tcpaccept::record
