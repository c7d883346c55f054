// The file of -o: it appears whole, under its name, or not at all.
#pragma once

#include <string>

#include "core/unique_fd.h"

namespace tcpaccept::report {

class OutputTarget {
 public:
  // "" and "-" stand for `standard_output` (borrowed), which must not be a terminal if `binary`. A file that exists is
  // replaced, when it is finished, only if `force`. Throws Error.
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
  std::string final_;      // within the folder; "" = standard output or a device
  std::string temporary_;  // until finish()
};

}  // namespace tcpaccept::report
