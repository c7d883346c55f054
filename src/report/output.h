// Standard output: everything or an Error, except that a reader who went away is no failure (`| head`).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "text/buffer.h"

namespace tcpaccept::report {

class Output {
 public:
  // Large enough that write(2) costs nothing per row, small enough to stay in the processor's cache.
  static constexpr std::size_t kFlushAt = 64 * 1024;

  // `fd` is borrowed; `name` is for messages. SIGPIPE must be ignored.
  Output(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  // `look` sees all that will be written, whole lines at a time, and throws if it must not be.
  void inspect(std::function<void(std::string_view)> look) { look_ = std::move(look); }

  text::Buffer& buffer() { return buffer_; }
  void flush_if_full() {
    if (buffer_.size() >= kFlushAt) flush();
  }
  // Writes all that is buffered. After closed() it only forgets it. Throws Error.
  void flush();
  // The same for bytes that are somewhere else, behind what is buffered.
  void write(std::string_view bytes);
  // Nobody reads any more; what is written from now on is dropped.
  bool closed() const { return closed_; }

 private:
  void put(std::string_view rest);

  int fd_;
  std::string name_;
  std::function<void(std::string_view)> look_;
  text::Buffer buffer_;
  bool closed_ = false;
};

}  // namespace tcpaccept::report
