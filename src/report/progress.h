// How far a long reading has come, on a terminal: one line that is overwritten, and gone at the end.
#pragma once

#include <chrono>
#include <cstdint>

namespace tcpaccept::report {

class Progress {
 public:
  // `terminal`: a descriptor, borrowed; -1 = say nothing. `total`: bytes to read.
  Progress(int terminal, std::uint64_t total) : terminal_(total != 0 ? terminal : -1), total_(total) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Says it if it is time to. `read()` gives the bytes read so far.
  template <typename Read>
  void update(const Read& read) {
    if (terminal_ < 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ >= kInterval) say(now, read());
  }
  // Takes the line away, for something else to be printed.
  void clear();

 private:
  static constexpr std::chrono::milliseconds kInterval{500};

  void say(std::chrono::steady_clock::time_point now, std::uint64_t read);

  int terminal_;
  std::uint64_t total_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point said_ = begun_;  // short readings say nothing
};

}  // namespace tcpaccept::report
