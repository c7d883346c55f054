#include "report/output_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/error.h"
#include "text/escape.h"

namespace tcpaccept::report {

namespace {

// Where an open file without a name can be given one.
std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

bool names_standard_output(const std::string& path) {
  return path.empty() || path == "-" || path == "/dev/stdout" || path == "/dev/fd/1" || path == "/proc/self/fd/1";
}

// What is written byte after byte and never replaced, also through a link.
bool is_stream(const struct stat& status) { return S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode); }

}  // namespace

OutputTarget::OutputTarget(const std::string& path, bool force, bool binary, int standard_output) : force_(force) {
  if (names_standard_output(path)) {
    name_ = "standard output";
    fd_ = standard_output;
    if (binary && ::isatty(fd_) == 1) {
      throw Error("will not write a capture or a page to a terminal; name a file with -o FILE", Exit::kUsage);
    }
    return;
  }
  name_ = text::escaped(path);
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  final_ = slash == std::string::npos ? path : path.substr(slash + 1);

  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && is_stream(status)) {
    owned_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!owned_.valid()) throw system_error("cannot write " + name_, errno);
    fd_ = owned_.get();
    return;
  }
  folder_.reset(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_.valid()) throw system_error("cannot write " + name_, errno);
  const bool exists = ::fstatat(folder_.get(), final_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (final_.empty() || (exists && S_ISDIR(status.st_mode))) throw Error("cannot write " + name_ + ": it is a directory");
  if (exists && !force) throw Error("will not overwrite " + name_ + "; give another name, or --force to replace it");
  temporary_ = final_ + ".new-" + std::to_string(::getpid());
  // Without a name until it is finished: nothing is left then, whatever ends us. Not every file system can do that.
  owned_.reset(::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  nameless_ = owned_.valid() && ::access(descriptor_path(owned_.get()).c_str(), F_OK) == 0;
  if (!nameless_) {
    owned_.reset(::openat(folder_.get(), temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!owned_.valid() && errno == EEXIST) {
      throw Error("cannot write " + name_ + ": " + name_ + temporary_.substr(final_.size()) +
                  " is left of an earlier run; remove it");
    }
    if (!owned_.valid()) throw system_error("cannot write " + name_, errno);
  }
  fd_ = owned_.get();
}

bool OutputTarget::is_terminal() const { return ::isatty(fd_) == 1; }

OutputTarget::~OutputTarget() {
  if (!temporary_.empty() && !nameless_) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

void OutputTarget::finish() {
  if (temporary_.empty()) return;
  if (::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) throw system_error("cannot write " + name_, errno);
  // A link never takes the place of a file; to replace one it needs a name beside it first.
  const std::string& first = nameless_ && !force_ ? final_ : temporary_;
  int wrong = 0;
  if (nameless_) {
    const std::string self = descriptor_path(fd_);
    if (::linkat(AT_FDCWD, self.c_str(), folder_.get(), first.c_str(), AT_SYMLINK_FOLLOW) != 0) wrong = errno;
    nameless_ = wrong != 0;
  }
  if (wrong == 0 && first != final_) {
    const auto rename = [&](unsigned flags) {
      return ::renameat2(folder_.get(), temporary_.c_str(), folder_.get(), final_.c_str(), flags) == 0 ? 0 : errno;
    };
    wrong = rename(force_ ? 0 : RENAME_NOREPLACE);
    if (wrong == EINVAL && !force_) wrong = rename(0);  // not every file system knows the flag
  }
  if (wrong == EEXIST) throw Error("will not overwrite " + name_ + ", which has come into being meanwhile");
  if (wrong != 0) throw system_error("cannot write " + name_, wrong);
  temporary_.clear();
}

}  // namespace tcpaccept::report
