// The file of -o: it appears whole, under its name, or not at all.
#pragma once

#include <string>

#include "core/unique_fd.h"

namespace tcpaccept::report {

class OutputTarget {
 public:
  // "", "-" and /dev/stdout stand for `standard_output` (borrowed), which must not be a terminal if `binary`. A file that
  // exists is replaced, when it is finished, only if `force`; so is a link, but one to a pipe or device. Throws Error.
  OutputTarget(const std::string& path, bool force, bool binary, int standard_output);
  // What was not finished is removed.
  ~OutputTarget();
  OutputTarget(const OutputTarget&) = delete;
  OutputTarget& operator=(const OutputTarget&) = delete;

  int fd() const { return fd_; }
  // A file of its own, which can be read back, and is not there before finish().
  bool is_file() const { return !temporary_.empty(); }
  bool is_terminal() const;
  // The folder that confine() has to leave us, or -1.
  int folder() const { return folder_.get(); }
  const std::string& name() const { return name_; }  // for messages

  // Everything is written. Throws Error.
  void finish();

 private:
  std::string name_;
  UniqueFd folder_;
  UniqueFd owned_;
  int fd_ = -1;
  bool force_;
  std::string final_;      // within the folder
  std::string temporary_;  // until finish(); "" = standard output, a pipe or a device
  bool nameless_ = false;  // the file has no name yet, not even that
};

}  // namespace tcpaccept::report
