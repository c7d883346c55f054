#include "record/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "core/error.h"

namespace tcpaccept::record {

OutputFile::OutputFile(const std::string& path, bool force, Interrupts& interrupts)
    : name_(path), interrupts_(interrupts) {
  if (path == "-") {
    name_ = "standard output";
    if (::isatty(STDOUT_FILENO) == 1) {
      throw Error{"will not write a capture to a terminal; name a file with -o FILE, or pipe it into tcpaccept-report",
                  Exit::kUsage};
    }
    fd_ = STDOUT_FILENO;
    struct stat status {};
    regular_ = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    return;
  }

  struct stat status {};
  const bool exists = ::lstat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) throw Error{"cannot write " + path + ": it is a directory"};
  if (exists && (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode))) {
    owned_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW));
    if (!owned_.valid()) throw system_error("cannot write " + path, errno);
    if (::isatty(owned_.get()) == 1) {
      throw Error{"will not write a capture to a terminal; name a file with -o FILE", Exit::kUsage};
    }
    fd_ = owned_.get();
    return;
  }
  if (exists && !force) throw Error{"will not overwrite " + path + "; give another name, or --force to replace it"};
  // A new file in place of the old one, never the old one's bytes, owner or link target; and not before there is
  // something to put there.
  if (exists) temporary_ = path + ".new-" + std::to_string(::getpid());
  const std::string& now = exists ? temporary_ : name_;
  owned_.reset(::open(now.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!owned_.valid()) throw system_error("cannot create " + now, errno);
  fd_ = owned_.get();
  regular_ = created_ = true;
}

OutputFile::~OutputFile() {
  if (created_ && !kept_) ::unlink((temporary_.empty() ? name_ : temporary_).c_str());
}

void OutputFile::keep() {
  if (!temporary_.empty() && ::rename(temporary_.c_str(), name_.c_str()) != 0) {
    throw system_error("cannot replace " + name_, errno);
  }
  kept_ = true;
}

bool OutputFile::put(Bytes bytes, std::uint64_t offset) {
  // A disk that is full is known before the first byte of what stands there is overwritten: the places of a tail have
  // holes. Not every file system can tell; then the other place is intact.
  if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes.size())) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    return false;
  }
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written =
        ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    // A reader would name a torn tail; better not to leave one. If this fails too, the reader does.
    if (offset + done > length_ && ::ftruncate(fd_, static_cast<off_t>(length_)) != 0) length_ = offset + done;
    if (error == ENOSPC || error == EDQUOT) return false;
    throw system_error("cannot write " + name_, error);
  }
  length_ = std::max<std::uint64_t>(length_, offset + bytes.size());
  return true;
}

bool OutputFile::append_to_file(Bytes bytes) {
  if (place_ == 0) {
    if (!put(bytes, written_)) return false;
  } else {
    // First where it harms nothing, then where it belongs.
    if (!put(bytes, std::max<std::uint64_t>(length_, written_ + bytes.size())) || !put(bytes, written_)) return false;
  }
  written_ += bytes.size();
  if (place_ != 0 && ::ftruncate(fd_, static_cast<off_t>(written_)) != 0) throw system_error("cannot write " + name_, errno);
  length_ = written_;
  place_ = tail_ = 0;
  return true;
}

bool OutputFile::rewrite_tail(Bytes bytes) {
  constexpr std::uint64_t kSmallest = 512;
  const std::uint64_t needed = std::bit_ceil(std::max<std::uint64_t>(bytes.size(), kSmallest));
  std::uint64_t offset = written_;
  std::uint64_t place = std::max(place_, needed);
  // Larger places are at least twice as large: the second of them is behind both old ones.
  if (place_ != 0 && (place > place_ || newest_ == written_)) offset += place;
  padded_.assign(bytes.begin(), bytes.end());
  padded_.resize(place);
  if (!put(padded_, offset)) return false;
  place_ = place;
  newest_ = offset;
  tail_ = bytes.size();
  return true;
}

bool OutputFile::append(Bytes bytes) {
  if (created_) return append_to_file(bytes);
  const off_t end = regular_ ? ::lseek(fd_, 0, SEEK_CUR) : -1;
  try {
    if (!interrupts_.write(fd_, bytes, "cannot write " + name_)) {
      throw Error{"cannot write " + name_ + ": its reader does not read, and it was time to end"};
    }
  } catch (const Error&) {
    if (end >= 0 && ::ftruncate(fd_, end) == 0) ::lseek(fd_, end, SEEK_SET);
    throw;
  }
  written_ += bytes.size();
  return true;
}

void OutputFile::sync() {
  if (regular_ && ::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) {
    throw system_error("cannot write " + name_, errno);
  }
}

}  // namespace tcpaccept::record
