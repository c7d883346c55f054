#include "report/output_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/error.h"
#include "text/escape.h"

namespace tcpaccept::report {

OutputTarget::OutputTarget(const std::string& path, bool force, bool binary, int standard_output) {
  if (path.empty() || path == "-") {
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
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  folder_.reset(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_.valid()) throw system_error("cannot write " + name_, errno);

  struct stat status {};
  const bool exists = ::fstatat(folder_.get(), last.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (last.empty() || (exists && S_ISDIR(status.st_mode))) throw Error("cannot write " + name_ + ": it is a directory");
  if (exists && (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode))) {
    folder_.reset();
    owned_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!owned_.valid()) throw system_error("cannot write " + name_, errno);
    fd_ = owned_.get();
    return;
  }
  if (exists && !force) throw Error("will not overwrite " + name_ + "; give another name, or --force to replace it");
  final_ = last;
  temporary_ = last + ".new-" + std::to_string(::getpid());
  owned_.reset(::openat(folder_.get(), temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!owned_.valid()) throw system_error("cannot write " + name_, errno);
  fd_ = owned_.get();
}

bool OutputTarget::is_terminal() const { return ::isatty(fd_) == 1; }

OutputTarget::~OutputTarget() {
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

void OutputTarget::finish() {
  if (temporary_.empty()) return;
  if (::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) throw system_error("cannot write " + name_, errno);
  if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), final_.c_str()) != 0) {
    throw system_error("cannot write " + name_, errno);
  }
  temporary_.clear();
}

}  // namespace tcpaccept::report
