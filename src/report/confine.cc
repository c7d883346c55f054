#include "report/confine.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>

#include "core/unique_fd.h"

namespace tcpaccept::report {
namespace {

// Sanitizers make calls of their own: pipes to try whether memory can be read, a second process that traces the first
// one to look for leaks, /proc and debug information or a program to name source lines. In such builds what would only
// be refused is let through, the second process too, and a program does not start but nobody is killed for it.
#ifdef TCPACCEPT_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// ---- Landlock ----

// As in <linux/landlock.h>, written down because the header of Debian 12 ends at version 3. The numbers are the same
// on every architecture.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kCreateRulesetVersion = 1;
constexpr int kRulePathBeneath = 1;
constexpr std::uint64_t kReadFile = 1u << 2;
constexpr std::uint64_t kReadFolder = 1u << 3;
constexpr std::uint64_t kRemoveFile = 1u << 5;
constexpr std::uint64_t kMakeFile = 1u << 8;

// An older kernel takes the larger struct as long as what it does not know is zero.
struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scopes = 0;
};

struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed = 0;
  std::int32_t folder = -1;
};

// Everything that can be forbidden by a kernel of this version.
Ruleset all_of(long version) {
  const unsigned rights = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  return {.files = (std::uint64_t{1} << rights) - 1,
          .network = version >= 4 ? 3u : 0u,   // bind and connect TCP
          .scopes = version >= 6 ? 3u : 0u};  // abstract unix sockets, signals
}

// ---- seccomp ----

constexpr std::uint32_t kAllow = SCMP_ACT_ALLOW;
constexpr std::uint32_t kKill = SCMP_ACT_KILL_PROCESS;
constexpr std::uint32_t refuse(std::uint16_t error) { return kSanitized ? kAllow : SCMP_ACT_ERRNO(error); }
constexpr std::uint32_t kDefault = refuse(ENOSYS);

scmp_arg_cmp equal(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp other_than(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_NE, value, 0}; }
// Of the bits in `mask`, exactly those of `value`.
scmp_arg_cmp bits(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

class Filter {
 public:
  Filter() : context_(seccomp_init(kDefault)), good_(context_ != nullptr) {
    if (!good_) return;
    good_ = seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, kKill) == 0;
    // Kernels before 5.16 take seccomp for the mark of a process that runs foreign code, and slow it down for that.
    seccomp_attr_set(context_, SCMP_FLTATR_CTL_SSB, 1);
  }
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  // `action` for these calls, where all of `conditions` hold. Calls that this architecture does not have are left out.
  void add(std::uint32_t action, std::initializer_list<int> calls,
           std::initializer_list<scmp_arg_cmp> conditions = {}) {
    if (action == kDefault) return;  // libseccomp takes that for a mistake
    for (const int call : calls) {
      good_ = good_ && seccomp_rule_add_array(context_, action, call, static_cast<unsigned>(conditions.size()),
                                              conditions.begin()) == 0;
    }
  }
  bool load() { return good_ && seccomp_load(context_) == 0; }

 private:
  scmp_filter_ctx context_;
  bool good_;
};

void add_bytes_and_memory(Filter& filter) {
  filter.add(kAllow, {SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
                      SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fadvise64),
                      SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(poll), SCMP_SYS(ppoll)});
  // What fstat() is since glibc 2.33. A path beside the flag would be looked up: to learn that a file exists.
  filter.add(kAllow, {SCMP_SYS(newfstatat)}, {bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH)});
  filter.add(kAllow, {SCMP_SYS(fcntl)}, {equal(1, F_GETFL)});
  filter.add(kAllow, {SCMP_SYS(fcntl)}, {equal(1, F_GETFD)});
  filter.add(kAllow, {SCMP_SYS(ioctl)}, {equal(1, TCGETS)});  // isatty()

  filter.add(kAllow, {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise)});
  filter.add(kAllow, {SCMP_SYS(mmap), SCMP_SYS(mprotect)}, {bits(2, PROT_EXEC, 0)});
  filter.add(kKill, {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)}, {bits(2, PROT_EXEC, PROT_EXEC)});
}

void add_threads_and_time(Filter& filter) {
  filter.add(kAllow, {SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address), SCMP_SYS(rseq),
                      SCMP_SYS(membarrier), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getpid),
                      SCMP_SYS(gettid), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigaction),
                      SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
                      SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
                      SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom)});
  // Threads, in the namespaces we are in. The flags of clone3 are out of sight: the C library takes ENOSYS for a
  // reason to use clone.
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                        CLONE_NEWPID | CLONE_NEWNET;
  filter.add(kAllow, {SCMP_SYS(clone)}, {bits(0, kNamespaces | CLONE_THREAD, CLONE_THREAD)});
  if (!kSanitized) filter.add(kKill, {SCMP_SYS(clone)}, {bits(0, CLONE_THREAD, 0)});
  // abort() and raise().
  const auto self = static_cast<std::uint64_t>(::getpid());
  filter.add(kAllow, {SCMP_SYS(tgkill)}, {equal(0, self)});
  filter.add(kKill, {SCMP_SYS(tgkill)}, {other_than(0, self)});
}

void add_what_kills(Filter& filter) {
  filter.add(kSanitized ? SCMP_ACT_ERRNO(EPERM) : kKill,
             {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork)});
  if (!kSanitized) filter.add(kKill, {SCMP_SYS(ptrace)});
  filter.add(kKill, {SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
                     SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal),
                     SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev)});
  filter.add(kKill, {SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
                     SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg)});
  filter.add(kKill, {SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
                     SCMP_SYS(io_uring_register), SCMP_SYS(userfaultfd), SCMP_SYS(init_module),
                     SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(keyctl), SCMP_SYS(add_key),
                     SCMP_SYS(request_key), SCMP_SYS(unshare), SCMP_SYS(setns)});
  filter.add(kKill, {SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
                     SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen), SCMP_SYS(mount_setattr)});
  filter.add(kKill, {SCMP_SYS(creat), SCMP_SYS(open_by_handle_at), SCMP_SYS(truncate), SCMP_SYS(link),
                     SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(rename), SCMP_SYS(unlink), SCMP_SYS(mkdir),
                     SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chmod),
                     SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(setxattr),
                     SCMP_SYS(lsetxattr)});
}

// The C library opens files of its own accord (locales, the number of processors) and does without; but only to read.
void add_opening(Filter& filter) {
  filter.add(refuse(EACCES), {SCMP_SYS(open)}, {bits(1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)});
  filter.add(refuse(EACCES), {SCMP_SYS(openat)}, {bits(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)});
  for (const auto changes : std::initializer_list<std::uint64_t>{O_WRONLY, O_RDWR, O_CREAT, O_TRUNC}) {
    filter.add(kKill, {SCMP_SYS(open)}, {bits(1, changes, changes)});
    filter.add(kKill, {SCMP_SYS(openat)}, {bits(2, changes, changes)});
  }
}

void add_naming(Filter& filter, const std::vector<int>& output_folders) {
  bool any = false;
  for (const int output_folder : output_folders) {
    if (output_folder < 0) continue;
    any = true;
    const auto folder = static_cast<std::uint64_t>(output_folder);
    filter.add(kAllow, {SCMP_SYS(renameat), SCMP_SYS(renameat2)}, {equal(0, folder), equal(2, folder)});
    filter.add(kAllow, {SCMP_SYS(linkat)}, {equal(2, folder)});
    filter.add(kAllow, {SCMP_SYS(unlinkat)}, {equal(0, folder), equal(2, 0)});  // no AT_REMOVEDIR
  }
  if (!any) filter.add(kKill, {SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(linkat), SCMP_SYS(unlinkat)});
}

}  // namespace

bool confine_files(const std::vector<int>& output_folders) {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kCreateRulesetVersion);
  if (version < 1) return false;
  Ruleset denied = all_of(version);
  if constexpr (kSanitized) denied.files &= ~(kReadFile | kReadFolder);
  const UniqueFd rules(static_cast<int>(::syscall(kCreateRuleset, &denied, sizeof denied, 0)));
  if (!rules.valid()) return false;
  for (const int output_folder : output_folders) {
    if (output_folder < 0) continue;
    const PathBeneath naming{.allowed = kMakeFile | kRemoveFile, .folder = output_folder};
    if (::syscall(kAddRule, rules.get(), kRulePathBeneath, &naming, 0) != 0) return false;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return ::syscall(kRestrictSelf, rules.get(), 0) == 0;
}

bool confine_calls(const std::vector<int>& output_folders) {
  Filter filter;
  add_bytes_and_memory(filter);
  add_threads_and_time(filter);
  add_what_kills(filter);
  add_opening(filter);
  add_naming(filter, output_folders);
  return filter.load();
}

void confine(const std::vector<int>& output_folders) {
  confine_files(output_folders);
  confine_calls(output_folders);
}

}  // namespace tcpaccept::report
