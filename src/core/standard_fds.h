// Descriptors 0, 1 and 2 are always somebody's: a program that was started without one of them must not open a file
// there and then take it for its standard output.
#pragma once

#include <fcntl.h>

namespace tcpaccept {

// To be called first in main(). Those that are closed get /dev/null: opened the other way round, so that reading or
// writing them fails as it would have.
inline void occupy_standard_descriptors() {
  for (int fd = 0; fd < 3; ++fd) {
    // The lowest free number is taken, so each open() fills the first gap.
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace tcpaccept
