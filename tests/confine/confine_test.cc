// Plays a tcpaccept-report that a capture has taken over: each attempt is made in a process of its own, once at large
// to see that it is an attempt at something, and once confined.
#include "report/confine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "core/unique_fd.h"

namespace tcpaccept::report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kDone = "done";
constexpr const char* kKilled = "killed by SIGSYS";

// What became of the process: "done", the name of an errno, or "killed by SIGNAL".
std::string outcome_of(pid_t process) {
  int status = 0;
  if (::waitpid(process, &status, 0) != process) return "not waited for";
  if (WIFSIGNALED(status)) return std::string("killed by SIG") + ::sigabbrev_np(WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  return code == 0 ? kDone : ::strerrorname_np(code);
}

// In a child that first does `before`. The attempt's value is that of a system call: negative is a failure with errno.
std::string outcome(const std::function<void()>& before, const std::function<long()>& attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    before();
    errno = 0;
    const long result = attempt();
    ::_exit(result >= 0 ? 0 : errno);
  }
  return outcome_of(child);
}

std::string at_large(const std::function<long()>& attempt) { return outcome([] {}, attempt); }
std::string confined(const std::function<long()>& attempt) { return outcome([] { confine(); }, attempt); }

bool have(bool (*half)(const std::vector<int>&)) {
  return outcome([] {}, [&] { return half({}) ? 0 : (errno = ENOSYS, -1); }) == kDone;
}

class Confine : public ::testing::Test {
 protected:
  Confine() {
    std::string name = (std::filesystem::temp_directory_path() / "confine_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    std::ofstream(path("old")) << "old";
  }
  ~Confine() override { std::filesystem::remove_all(folder_); }

  void SetUp() override {
    if (!have(confine_calls)) GTEST_SKIP() << "no seccomp here";
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  // What confinement is for. At large it does not kill: or else something would be wrong with the attempt.
  void expect_killed(const char* what, const std::function<long()>& attempt) {
    EXPECT_THAT(at_large(attempt), ::testing::Not(StartsWith("killed"))) << what;
    EXPECT_EQ(confined(attempt), kKilled) << what;
  }
  // Not worth a killing; refused as by a kernel that does not have it.
  void expect_refused(const char* what, const char* error, const std::function<long()>& attempt) {
    EXPECT_NE(at_large(attempt), error) << what;
    EXPECT_EQ(confined(attempt), error) << what;
  }
  void expect_possible(const char* what, const std::function<long()>& attempt) {
    EXPECT_EQ(at_large(attempt), kDone) << what;
    EXPECT_EQ(confined(attempt), kDone) << what;
  }

  std::filesystem::path folder_;
};

// ---- what must fail ----

TEST_F(Confine, NoNetwork) {
  expect_killed("IPv4", [] { return ::socket(AF_INET, SOCK_STREAM, 0); });
  expect_killed("IPv6", [] { return ::socket(AF_INET6, SOCK_DGRAM, 0); });
  expect_killed("unix", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); });
  expect_killed("netlink", [] { return ::socket(AF_NETLINK, SOCK_RAW, 0); });
  expect_killed("socketpair", [] {
    std::array<int, 2> pair{};
    return ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data());
  });
  // With a socket that was left open, or was handed to us as standard output.
  const UniqueFd left(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_TRUE(left.valid());
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  expect_killed("connect", [&] { return ::connect(left.get(), address, sizeof to); });
  expect_killed("bind", [&] { return ::bind(left.get(), address, sizeof to); });
  expect_killed("sendto", [&] { return ::sendto(left.get(), "x", 1, 0, address, sizeof to); });
}

TEST_F(Confine, NoFiles) {
  expect_killed("new file", [&] { return ::open(path("new").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600); });
  EXPECT_TRUE(std::filesystem::remove(path("new")));  // made at large
  EXPECT_EQ(confined([&] { return ::creat(path("new").c_str(), 0600); }), kKilled);
  EXPECT_EQ(confined([&] { return ::open(folder_.c_str(), O_TMPFILE | O_RDWR, 0600); }), kKilled);
  EXPECT_EQ(confined([&] { return ::mkdir(path("new").c_str(), 0700); }), kKilled);
  EXPECT_EQ(confined([&] { return ::symlink("/", path("new").c_str()); }), kKilled);
  EXPECT_EQ(confined([&] { return ::mkfifo(path("new").c_str(), 0600); }), kKilled);
  EXPECT_FALSE(std::filesystem::exists(path("new")));

  expect_killed("existing file", [&] { return ::open(path("old").c_str(), O_WRONLY); });
  expect_killed("existing file, both ways", [&] { return ::open(path("old").c_str(), O_RDWR | O_APPEND); });
  EXPECT_EQ(confined([&] { return ::open(path("old").c_str(), O_RDONLY | O_TRUNC); }), kKilled);
  EXPECT_EQ(confined([&] { return ::truncate(path("old").c_str(), 0); }), kKilled);
  EXPECT_EQ(confined([&] { return ::unlink(path("old").c_str()); }), kKilled);
  EXPECT_EQ(confined([&] { return ::unlinkat(AT_FDCWD, path("old").c_str(), 0); }), kKilled);
  EXPECT_EQ(confined([&] { return ::rename(path("old").c_str(), path("moved").c_str()); }), kKilled);
  EXPECT_EQ(confined([&] { return ::link(path("old").c_str(), path("linked").c_str()); }), kKilled);
  EXPECT_EQ(confined([&] { return ::chmod(path("old").c_str(), 0777); }), kKilled);
  EXPECT_EQ(std::filesystem::file_size(path("old")), 3u);

  expect_refused("read", "EACCES", [] { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); });
  expect_refused("read a folder", "EACCES", [] { return ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY); });
  expect_refused("own memory", "EACCES", [] { return ::open("/proc/self/mem", O_RDONLY); });
  expect_killed("own memory, to write", [] { return ::open("/proc/self/mem", O_RDWR); });
  expect_refused("openat2", "ENOSYS", [&] {
    const std::array<std::uint64_t, 3> how{O_RDONLY, 0, 0};
    return ::syscall(437, AT_FDCWD, path("old").c_str(), how.data(), sizeof how);
  });
}

TEST_F(Confine, NoPrograms) {
  char* const argv[] = {const_cast<char*>("/bin/true"), nullptr};
  expect_killed("execve", [&] { return ::execve("/bin/true", argv, nullptr); });
  expect_killed("execveat", [&] { return ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, nullptr, 0); });
  const long page = ::sysconf(_SC_PAGESIZE);
  void* const memory = ::mmap(nullptr, static_cast<std::size_t>(page), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  expect_killed("memory made executable",
                [&] { return ::mprotect(memory, static_cast<std::size_t>(page), PROT_READ | PROT_EXEC); });
  expect_killed("executable memory", [&] {
    void* const code = ::mmap(nullptr, static_cast<std::size_t>(page), PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED ? -1 : 0;
  });
}

TEST_F(Confine, NoProcesses) {
  const auto ended = [](long child) -> long {
    if (child == 0) ::_exit(0);
    return child;
  };
  expect_killed("fork", [&] { return ended(::fork()); });
  expect_killed("clone", [&] { return ended(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); });
#ifdef SYS_fork
  expect_killed("old fork", [&] { return ended(::syscall(SYS_fork)); });
#endif
  expect_refused("clone3", "ENOSYS", [&] {
    const std::array<std::uint64_t, 8> arguments{0, 0, 0, 0, SIGCHLD};
    return ended(::syscall(SYS_clone3, arguments.data(), sizeof arguments));
  });
  expect_killed("unshare", [] { return ::unshare(CLONE_FILES); });
}

TEST_F(Confine, NobodyElse) {
  const pid_t parent = ::getpid();
  expect_killed("kill", [&] { return ::kill(parent, 0); });
  expect_killed("tgkill", [&] { return ::syscall(SYS_tgkill, parent, parent, 0); });
  expect_killed("tkill", [&] { return ::syscall(SYS_tkill, parent, 0); });
  expect_killed("pidfd", [&] { return ::syscall(SYS_pidfd_open, parent, 0); });
  expect_killed("ptrace", [&] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
  expect_killed("memory", [&] { return ::syscall(SYS_process_vm_readv, parent, nullptr, 0, nullptr, 0, 0); });
}

TEST_F(Confine, NoWayToTheKernel) {
  expect_killed("mount", [] { return ::mount("none", "/nowhere/at/all", "tmpfs", 0, nullptr); });
  expect_killed("chroot", [] { return ::chroot("/nowhere/at/all"); });
  expect_killed("bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); });
  expect_killed("perf", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); });
  expect_killed("io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); });
  expect_killed("userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0xffff); });
  expect_killed("module", [] { return ::syscall(SYS_finit_module, -1, "", 0); });
  expect_killed("keys", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); });
  expect_refused("dumpable", "ENOSYS", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); });
  expect_refused("seccomp off", "ENOSYS", [] { return ::prctl(PR_SET_SECCOMP, 0, nullptr, 0, 0); });
  expect_refused("seccomp again", "ENOSYS", [] { return ::syscall(SYS_seccomp, 1, 0, nullptr); });
  expect_refused("typing into the terminal", "ENOSYS", [] { return ::ioctl(-1, TIOCSTI, "x"); });
  expect_refused("memory files", "ENOSYS", [] { return ::memfd_create("x", 0); });
}

#if defined(__x86_64__) && defined(__LP64__)
TEST_F(Confine, NoOtherDoorsOnX86) {
  expect_killed("x32", [] { return ::syscall(0x40000000 | SYS_socket, AF_INET, SOCK_STREAM, 0); });
  EXPECT_EQ(confined([] {
              long result = 20;  // getpid() among the 32 bit calls
              asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
              return result;
            }),
            kKilled);
}
#endif

// ---- what must work ----

TEST_F(Confine, BytesAndMemory) {
  const UniqueFd in(::open(path("old").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd out(::open(path("out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  expect_possible("read and write", [&]() -> long {
    std::array<char, 3> bytes{};
    struct stat status {};
    if (::lseek(in.get(), 0, SEEK_SET) != 0 || ::lseek(out.get(), 0, SEEK_SET) != 0) return -1;
    if (::fstat(in.get(), &status) != 0 || ::read(in.get(), bytes.data(), bytes.size()) != status.st_size) return -1;
    if (::fdatasync(out.get()) != 0 || ::ftruncate(out.get(), 0) != 0) return -1;
    return ::write(out.get(), bytes.data(), bytes.size()) == 3 ? 0 : -1;
  });
  EXPECT_EQ(std::filesystem::file_size(path("out")), 3u);
  expect_possible("memory", []() -> long {
    std::vector<char> large(std::size_t{64} << 20);
    std::fill(large.begin(), large.end(), 'x');
    large.resize(large.size() * 2);
    return large[1] == 'x' ? 0 : -1;
  });
  expect_possible("poll, time, terminals", []() -> long {
    std::fflush(stderr);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (::isatty(0) == 0 && errno != ENOTTY && errno != EINVAL) return -1;
    return ::poll(nullptr, 0, 1);
  });
  expect_possible("exceptions", []() -> long {
    try {
      throw std::runtime_error("x");
    } catch (const std::exception&) {
      return 0;
    }
  });
  EXPECT_EQ(confined([]() -> long { std::abort(); }), "killed by SIGABRT");
}

TEST_F(Confine, Threads) {
  const unsigned processors = std::thread::hardware_concurrency();
  expect_possible("threads", [&]() -> long {
    std::vector<std::vector<int>> results(8);
    std::vector<std::thread> threads;
    for (auto& result : results) {
      threads.emplace_back([&result] {
        for (int i = 0; i < 100'000; ++i) result.push_back(i);
        std::this_thread::yield();
      });
    }
    for (std::thread& thread : threads) thread.join();
    return std::thread::hardware_concurrency() == processors ? 0 : -1;
  });
  EXPECT_EQ(confined([]() -> long {
              std::thread([] { ::socket(AF_INET, SOCK_STREAM, 0); }).join();
              return 0;
            }),
            kKilled);
}

// ---- each half by itself, and outputs that get a name at the end ----

TEST_F(Confine, LandlockByItself) {
  if (!have(confine_files)) GTEST_SKIP() << "no Landlock here";
  const auto attempt = [&](const std::function<long()>& what) { return outcome([] { confine_files(); }, what); };
  EXPECT_EQ(attempt([] { return ::open("/etc/passwd", O_RDONLY); }), "EACCES");
  EXPECT_EQ(attempt([&] { return ::open(path("old").c_str(), O_WRONLY); }), "EACCES");
  EXPECT_EQ(attempt([&] { return ::open(path("new").c_str(), O_WRONLY | O_CREAT, 0600); }), "EACCES");
  EXPECT_EQ(attempt([&] { return ::unlink(path("old").c_str()); }), "EACCES");
  EXPECT_EQ(attempt([&] { return ::rename(path("old").c_str(), path("new").c_str()); }), "EACCES");
  EXPECT_EQ(attempt([] { return ::execl("/bin/true", "true", nullptr); }), "EACCES");
  EXPECT_EQ(attempt([] { return ::ptrace(PTRACE_SEIZE, ::getppid(), nullptr, nullptr); }), "EPERM");
}

TEST_F(Confine, OutputsAreNamedAtTheEnd) {
  const UniqueFd folder(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto attempt = [&](const std::function<long()>& what) {
    return outcome([&] { confine({folder.get()}); }, what);
  };
  std::ofstream(path("unfinished")) << "new";
  EXPECT_EQ(attempt([&] { return ::renameat(folder.get(), "unfinished", folder.get(), "old"); }), kDone);
  EXPECT_FALSE(std::filesystem::exists(path("unfinished")));
  EXPECT_EQ(attempt([&] { return ::unlinkat(folder.get(), "old", 0); }), kDone);
  EXPECT_FALSE(std::filesystem::exists(path("old")));
  const UniqueFd nameless(::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (nameless.valid()) {
    const std::string self = "/proc/self/fd/" + std::to_string(nameless.get());
    EXPECT_EQ(attempt([&] {
                return ::linkat(AT_FDCWD, self.c_str(), folder.get(), "linked", AT_SYMLINK_FOLLOW);
              }),
              kDone);
    EXPECT_TRUE(std::filesystem::exists(path("linked")));
  }

  std::filesystem::create_directory(path("sub"));
  std::ofstream(path("kept")) << "x";
  EXPECT_EQ(attempt([&] { return ::open(path("new").c_str(), O_WRONLY | O_CREAT, 0600); }), kKilled);
  EXPECT_EQ(attempt([&] { return ::unlinkat(AT_FDCWD, path("kept").c_str(), 0); }), "ENOSYS");
  EXPECT_EQ(attempt([&] { return ::unlinkat(folder.get(), "sub", AT_REMOVEDIR); }), "ENOSYS");
  EXPECT_EQ(attempt([&] { return ::renameat(folder.get(), "kept", AT_FDCWD, "/tmp/kept"); }), "ENOSYS");
  if (!have(confine_files)) return;
  const UniqueFd elsewhere(::open(path("sub").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string outside = path("kept");
  EXPECT_EQ(outcome([&] { confine({elsewhere.get()}); },
                    [&] { return ::unlinkat(elsewhere.get(), outside.c_str(), 0); }),
            "EACCES");
  EXPECT_TRUE(std::filesystem::exists(outside));
}

// ---- the program itself ----

// tcpaccept-report, with pipes for its standard input and output.
class Program {
 public:
  Program(const std::vector<std::string>& arguments, rlim_t files = 0) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    std::vector<char*> argv{const_cast<char*>(TCPACCEPT_REPORT)};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      rlimit limit{};
      ::getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = files == 0 ? limit.rlim_cur : files;
      ::setrlimit(RLIMIT_NOFILE, &limit);
      ::execv(TCPACCEPT_REPORT, argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_.reset(in[1]);
    out_.reset(out[0]);
  }
  ~Program() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // /proc/PID/status as soon as it says that the program is confined, or as it is after ten seconds.
  std::string status_once_confined() const {
    std::string status;
    for (int i = 0; i < 1000; ++i) {
      std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
      status.assign(std::istreambuf_iterator<char>(file), {});
      if (status.find("Seccomp:\t2") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return status;
  }
  void put(const std::string& bytes) const {
    ASSERT_EQ(::write(in_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void close_input() { in_.reset(); }
  void close_output() { out_.reset(); }
  void interrupt() const { ::kill(pid_, SIGINT); }
  std::string output_until(const std::string& ending) const {
    std::string text;
    std::array<char, 4096> bytes{};
    pollfd ready{.fd = out_.get(), .events = POLLIN, .revents = 0};
    while ((ending.empty() || !text.ends_with(ending)) && ::poll(&ready, 1, 10'000) > 0) {
      const ssize_t got = ::read(out_.get(), bytes.data(), bytes.size());
      if (got <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  std::string rest() const { return output_until(""); }
  std::string end() { return outcome_of(std::exchange(pid_, -1)); }

 private:
  pid_t pid_ = -1;
  UniqueFd in_, out_;
};

constexpr const char* kCapture = TCPACCEPT_SOURCE_DIR "/testdata/6.12/6.12.tcpa";

std::string slurp(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ConfinedProgram : public Confine {};

TEST_F(ConfinedProgram, BeforeTheFirstByte) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> ways{
      {{}, "sshd"},
      {{"-", kCapture}, "sshd"},
      {{"--info", kCapture, "-"}, "standard input\nsession 1\n"},
      {{"--format", "json", "--since", "+1"}, "\"iperf3\""}};
  for (const auto& [arguments, expected] : ways) {
    Program program(arguments);
    const std::string status = program.status_once_confined();  // and nothing has been there to read
    EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
    program.put(slurp(kCapture));
    program.close_input();
    EXPECT_THAT(program.rest(), HasSubstr(expected));
    EXPECT_EQ(program.end(), kDone);
  }
}

TEST_F(ConfinedProgram, NamedPipe) {
  const std::string fifo = path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Program program({"-t", fifo});
  UniqueFd in(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_THAT(program.status_once_confined(), HasSubstr("Seccomp:\t2"));
  const std::string bytes = slurp(kCapture);
  EXPECT_EQ(::write(in.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  in.reset();
  EXPECT_THAT(program.rest(), HasSubstr("4.716786     185      iperf3"));
  EXPECT_EQ(program.end(), kDone);
}

TEST_F(ConfinedProgram, Following) {
  const std::string bytes = slurp(kCapture);
  const std::string file = path("growing");
  std::ofstream(file, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  Program program({"-f", "--format", "csv", file});
  EXPECT_THAT(program.status_once_confined(), HasSubstr("Seccomp:\t2"));
  std::ofstream(file, std::ios::binary | std::ios::app) << bytes.substr(bytes.size() / 2);
  EXPECT_THAT(program.rest(), HasSubstr("iperf3"));
  EXPECT_EQ(program.end(), kDone);

  std::ofstream(file, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  Program interrupted({"-f", file});
  EXPECT_THAT(interrupted.output_until("SPORT\n"), HasSubstr("SPORT"));
  interrupted.interrupt();
  EXPECT_EQ(interrupted.end(), kDone);
}

TEST_F(ConfinedProgram, AReaderThatGoesAway) {
  Program program({"--format", "csv"});
  EXPECT_THAT(program.status_once_confined(), HasSubstr("Seccomp:\t2"));
  program.close_output();
  program.put(slurp(kCapture));
  program.close_input();
  EXPECT_EQ(program.end(), kDone);
}

TEST_F(ConfinedProgram, ManyFilesAtOnce) {
  std::vector<std::string> arguments{"--info"};
  arguments.insert(arguments.end(), 100, kCapture);
  Program program(arguments, 20);
  program.close_input();
  const std::string text = program.rest();
  std::size_t sessions = 0;
  for (std::size_t at = 0; (at = text.find("session 1\n", at)) != std::string::npos; ++at) ++sessions;
  EXPECT_EQ(sessions, 100u);
  EXPECT_EQ(program.end(), kDone);
}

}  // namespace
}  // namespace tcpaccept::report
