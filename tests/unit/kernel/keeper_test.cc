#include "kernel/keeper.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "fake_tree.h"
#include "kernel/privileges.h"

namespace tcpaccept::kernel {
namespace {

// Nobody has an event of this id.
EventOpener impossible() { return EventOpener{{{.id = 0xfffffff0, .filter = ""}}, 4096}; }

TEST(Keeper, RemovesEveryEventWhenItIsLetGo) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  { const Keeper keeper{tracefs, {"tcpaccept/a", "tcpaccept/b"}, impossible()}; }
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "-:tcpaccept/a\n-:tcpaccept/b\n");
}

TEST(Keeper, OutlivesItsMakerAndThenDoesItsDuty) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  // Readable for as long as the recorder of this test, or anybody who got a copy, has the other end: the keeper must not.
  int held[2];
  ASSERT_EQ(::pipe(held), 0);
  const pid_t recorder = ::fork();
  ASSERT_GE(recorder, 0);
  if (recorder == 0) {
    ::close(held[0]);
    const Keeper keeper{tracefs, {"tcpaccept/a"}, impossible()};
    ::kill(::getpid(), SIGKILL);
  }
  ::close(held[1]);
  char byte = 0;
  EXPECT_EQ(::read(held[0], &byte, 1), 0);
  ::close(held[0]);
  EXPECT_EQ(::waitpid(recorder, nullptr, 0), recorder);
  for (int i = 0; i < 500 && tree.read("tracing/kprobe_events").empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});  // it is nobody's child any more
  }
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "-:tcpaccept/a\n");
}

// The keeper is the only child of a test.
pid_t child() {
  const std::string self = std::to_string(::getpid());
  std::ifstream children{"/proc/" + self + "/task/" + self + "/children"};
  pid_t pid = 0;
  children >> pid;
  return pid;
}

TEST(Keeper, IsWokenToDoItsDuty) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  Keeper keeper{tracefs, {"tcpaccept/a"}, impossible()};
  ASSERT_GT(child(), 0);
  ::kill(child(), SIGSTOP);
  EXPECT_EQ(keeper.close(), "");
  EXPECT_EQ(keeper.close(), "");
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "-:tcpaccept/a\n");
}

// UndefinedBehaviorSanitizer asks the kernel by a pipe whether an object can be read: without descriptors all look wrong.
#ifndef __SANITIZE_ADDRESS__
// Makes a keeper where no descriptor is left but those of its socket. To be called in a child.
std::string remove_with_few_files(const Tracefs& tracefs) {
  UniqueFd first{::open("/", O_PATH)};
  UniqueFd second{::open("/", O_PATH)};
  const auto most = static_cast<rlim_t>(second.get()) + 1;
  first.reset();
  second.reset();
  const rlimit files{most, most};
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) return "setrlimit";
  return Keeper{tracefs, {"tcpaccept/a"}, impossible()}.close();
}

TEST(Keeper, StartsWithoutDescriptorsToSpare) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  EXPECT_EXIT(
      {
        std::fprintf(stderr, "%s", remove_with_few_files(tracefs).c_str());
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0), "^$");
  EXPECT_EQ(tree.read("tracing/kprobe_events"), "-:tcpaccept/a\n");
}
#endif

TEST(Keeper, ThatIsGoneIsSaid) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  Keeper keeper{tracefs, {"tcpaccept/a", "tcpaccept/b"}, impossible()};
  ASSERT_GT(child(), 0);
  ::kill(child(), SIGKILL);
  EXPECT_THROW(keeper.open(0), Error);
  EXPECT_EQ(keeper.close(),
            "cannot remove probe tcpaccept/a: the process that does it is gone; the next recorder run as root removes it");
}

TEST(Keeper, SaysWhyAnEventCannotBeOpened) {
  test::FakeTree tree;
  tree.write("tracing/kprobe_events", "");
  const Tracefs tracefs{tree.paths()};
  Keeper keeper{tracefs, {}, impossible()};
  for (int i = 0; i < 2; ++i) {
    try {
      keeper.open(0);
      FAIL() << "it was opened";
    } catch (const Error& error) {
      EXPECT_EQ(std::string{error.what()}.find("cannot open a perf event on CPU 0"), 0u) << error.what();
    }
  }
}

// Runs `drop` in a process of its own; what its status file then says.
std::string status_after(void (*drop)()) {
  int fds[2];
  EXPECT_EQ(::pipe(fds), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    drop();
    std::ostringstream status;
    status << std::ifstream{"/proc/self/status"}.rdbuf();
    const std::string text = status.str();
    ::_exit(::write(fds[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(fds[1]);
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(fds[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(got));
  ::close(fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return text;
}

std::string field(const std::string& status, const std::string& name) {
  const std::size_t at = status.find("\n" + name + ":\t");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

TEST(Privileges, NothingIsLeft) {
  const std::string status = status_after(drop_privileges);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_EQ(field(status, set), "0000000000000000") << set;
  }
  EXPECT_EQ(field(status, "NoNewPrivs"), "1");
  if (::getuid() == 0) {
    EXPECT_EQ(field(status, "Uid"), "65534\t65534\t65534\t65534");
    EXPECT_EQ(field(status, "Gid"), "65534\t65534\t65534\t65534");
    EXPECT_EQ(field(status, "CapBnd"), "0000000000000000");
  }
}

TEST(Privileges, OnlyWhatTracingTakes) {
  const std::string status = status_after(drop_privileges_but_tracing);
  const std::uint64_t left = std::stoull(field(status, "CapPrm"), nullptr, 16);
  constexpr std::uint64_t kAllowed = std::uint64_t{1} << 1 | std::uint64_t{1} << 21 | std::uint64_t{1} << 38;
  EXPECT_EQ(left & ~kAllowed, 0u);
  EXPECT_EQ(field(status, "CapEff"), field(status, "CapPrm"));
  EXPECT_EQ(field(status, "NoNewPrivs"), "1");
}

}  // namespace
}  // namespace tcpaccept::kernel
