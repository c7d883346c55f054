#include "core/error.h"

#include <cerrno>
#include <cstring>

namespace tcpaccept {

std::string errno_text(int errno_value) {
  // strerrordesc_np (glibc 2.32) is not localised and thread safe, unlike strerror.
  const char* text = strerrordesc_np(errno_value);
  return text != nullptr ? text : "error " + std::to_string(errno_value);
}

Error system_error(std::string_view what, int errno_value, std::string_view remedy) {
  std::string message{what};
  message += ": ";
  message += errno_text(errno_value);
  if (remedy.empty() && errno_value == EMFILE) remedy = "raise the limit on open files (ulimit -n)";
  if (remedy.empty() && errno_value == ENFILE) remedy = "raise the machine's limit on open files (sysctl fs.file-max)";
  if (!remedy.empty()) {
    message += "; ";
    message += remedy;
  }
  return Error{message, Exit::kFailed, errno_value};
}

bool is_shortage(int errno_value) { return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM; }

}  // namespace tcpaccept
