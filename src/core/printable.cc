#include "core/printable.h"

#include <cerrno>
#include <cstdio>

#include "core/error.h"

namespace tcpaccept {

std::string printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e) {
      result += c;
    } else {
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

void complain(const char* program, std::string_view line) {
  std::fprintf(stderr, "%s: %s\n", program, printable(line).c_str());
}

int print_and_exit(const char* program, std::string_view text, int status) {
  FILE* const to = status == 0 ? stdout : stderr;
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
  if (written || status != 0) return status;
  complain(program, system_error("cannot write to standard output", errno).what());
  return static_cast<int>(Exit::kFailed);
}

}  // namespace tcpaccept
