#include "report/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"

namespace tcpaccept::report {

void Output::flush() {
  put(buffer_.view());
  buffer_.clear();
}

void Output::write(std::string_view bytes) {
  flush();
  put(bytes);
}

void Output::put(std::string_view rest) {
  if (look_ && !rest.empty()) look_(rest);
  while (!rest.empty() && !closed_) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      closed_ = true;
    } else if (errno == EAGAIN) {  // somebody made our standard output non-blocking
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      throw system_error("cannot write " + name_, errno);
    }
  }
}

}  // namespace tcpaccept::report
