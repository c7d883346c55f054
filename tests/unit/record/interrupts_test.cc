#include "record/interrupts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

#include "core/error.h"

namespace tcpaccept::record {
namespace {

constexpr std::uint64_t kMilli = 1'000'000;

// A pipe with nothing in it, or full.
struct Pipe {
  explicit Pipe(bool full) {
    std::array<int, 2> fds{};
    EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
    out.reset(fds[0]);
    in.reset(fds[1]);
    if (!full) return;
    EXPECT_EQ(::fcntl(in.get(), F_SETFL, O_NONBLOCK), 0);
    const std::array<char, 4096> filler{};
    while (::write(in.get(), filler.data(), filler.size()) > 0) {
    }
    EXPECT_EQ(::fcntl(in.get(), F_SETFL, 0), 0);
  }
  UniqueFd out, in;
};

const std::array<std::byte, 10000> kData{};

TEST(Interrupts, SignalsBecomeReasons) {
  Interrupts interrupts;
  EXPECT_EQ(interrupts.take(), std::nullopt);
  for (const auto& [signal, reason] :
       {std::pair{SIGINT, "signal SIGINT"}, std::pair{SIGTERM, "signal SIGTERM"}, std::pair{SIGHUP, "signal SIGHUP"}}) {
    ::raise(signal);
    pollfd wait{interrupts.signal_fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 0), 1);
    EXPECT_EQ(interrupts.take(), reason);
  }
  EXPECT_EQ(interrupts.take(), std::nullopt);
}

TEST(Interrupts, NohupIsRespected) {
  const auto before = ::signal(SIGHUP, SIG_IGN);
  {
    Interrupts interrupts;
    ::raise(SIGHUP);
    EXPECT_EQ(interrupts.take(), std::nullopt);
    ::raise(SIGTERM);
    EXPECT_EQ(interrupts.take(), "signal SIGTERM");
  }
  ::signal(SIGHUP, before);
}

TEST(Interrupts, ASignalThatIsLeftDoesNotStrikeAfterwards) {
  { Interrupts interrupts; ::raise(SIGINT); }
  SUCCEED();
}

TEST(Interrupts, TheDeadlineIsAReason) {
  Interrupts interrupts;
  interrupts.set_deadline(kMilli);
  pollfd wait{interrupts.deadline_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 5000), 1);
  EXPECT_EQ(interrupts.take(), "duration");
}

TEST(Interrupts, WritesAllThereIsToAReaderThatReads) {
  Interrupts interrupts;
  Pipe pipe{true};
  ASSERT_EQ(::fcntl(pipe.in.get(), F_SETFL, O_NONBLOCK), 0);  // as another process may have left it
  std::size_t before = 65536;
  std::size_t got = 0;
  std::thread reader{[&] {
    std::array<char, 1000> part;
    while (got < before + kData.size()) got += static_cast<std::size_t>(std::max<ssize_t>(0, ::read(pipe.out.get(), part.data(), part.size())));
  }};
  EXPECT_TRUE(interrupts.write(pipe.in.get(), kData, "x"));
  reader.join();
  EXPECT_EQ(got, before + kData.size());
}

TEST(Interrupts, ASignalEndsTheWaitForAReaderThatDoesNotRead) {
  Interrupts interrupts;
  Pipe pipe{true};
  ::raise(SIGTERM);
  EXPECT_FALSE(interrupts.write(pipe.in.get(), kData, "x"));
  EXPECT_EQ(interrupts.take(), "signal SIGTERM");
}

TEST(Interrupts, SoDoesTheDeadline) {
  Interrupts interrupts;
  Pipe pipe{true};
  interrupts.set_deadline(kMilli);
  EXPECT_FALSE(interrupts.write(pipe.in.get(), kData, "x"));
  EXPECT_EQ(interrupts.take(), "duration");
}

TEST(Interrupts, AfterASignalAReaderThatReadsStillGetsEverything) {
  Interrupts interrupts;
  Pipe pipe{false};
  ::raise(SIGINT);
  EXPECT_TRUE(interrupts.write(pipe.in.get(), kData, "x"));
  EXPECT_EQ(interrupts.take(), "signal SIGINT");
}

TEST(Interrupts, AReaderThatIsGone) {
  Interrupts interrupts;
  Pipe pipe{false};
  pipe.out.reset();
  bool closed = false;
  EXPECT_TRUE(interrupts.write(pipe.in.get(), kData, "cannot write x", &closed));
  EXPECT_TRUE(closed);
  try {
    interrupts.write(pipe.in.get(), kData, "cannot write x");
    FAIL() << "it was written";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot write x: Broken pipe");
  }
}

}  // namespace
}  // namespace tcpaccept::record
