#include "report/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"

namespace tcpaccept::report {

void Output::flush() {
  std::string_view rest = buffer_.view();
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
  buffer_.clear();
}

}  // namespace tcpaccept::report
