// One exception type for whatever ends a command.
//
// Outcomes a caller is expected to meet (end of input, a torn tail, a lost record) are values, never
// exceptions. An Error carries the one line the user sees: what failed, on what, why, and what to do.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace tcpaccept {

// Exit statuses of all three programs (README, "Exit status").
enum class Exit : int {
  kClean = 0,       // everything asked for was done
  kFailed = 1,      // the command could not do its job
  kUsage = 2,       // the command line is wrong
  kIncomplete = 3,  // done, but events are known to be missing or damaged; said on stderr
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, Exit status = Exit::kFailed, int cause = 0)
      : std::runtime_error(message), status_(status), cause_(cause) {}
  Exit status() const { return status_; }
  // The errno of a system call that failed; 0 = none, or not known.
  int cause() const { return cause_; }

 private:
  Exit status_;
  int cause_;
};

// "WHAT: strerror(ERRNO)", for a failed system call; `remedy`, when given, is appended as "; REMEDY". Too many open
// files have a remedy of their own.
Error system_error(std::string_view what, int errno_value, std::string_view remedy = {});

// Does this errno mean that descriptors or memory are short? Nothing is wrong with what was tried then.
bool is_shortage(int errno_value);

// The text of an errno, without the locale.
std::string errno_text(int errno_value);

}  // namespace tcpaccept
