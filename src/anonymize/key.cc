#include "anonymize/key.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "core/error.h"
#include "core/printable.h"
#include "core/unique_fd.h"

namespace tcpaccept::anonymize {
namespace {

std::optional<std::uint8_t> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

// Until there is something to read, or the last writer is gone.
void wait_for(int pipe) {
  pollfd ready{.fd = pipe, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, -1) < 0 && errno == EINTR) {
  }
}

std::optional<Key> key_in(std::string_view text) {
  Key key{};
  if (text.size() == key.size()) {
    std::copy(text.begin(), text.end(), key.begin());
    return key;
  }
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() != 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto high = digit(text[2 * i]);
    const auto low = digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    key[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return key;
}

}  // namespace

Key read_key(const std::string& path, const std::function<void(const std::string&)>& complain) {
  const std::string name = printable(path);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) throw system_error("cannot open the key " + name, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw system_error("cannot read the key " + name, errno);
  const auto no_key = [&] {
    return Error(name + ": is not a key, which is 32 bytes or 64 hexadecimal digits; make one with \"(umask 077; "
                        "head -c 32 /dev/urandom > FILE)\"",
                 Exit::kUsage);
  };
  const bool pipe = S_ISFIFO(status.st_mode);
  if (!S_ISREG(status.st_mode) && !pipe) throw no_key();
  std::string text(2 * sizeof(Key) + 3, '\0');  // one byte more than the longest
  std::size_t have = 0;
  while (have < text.size()) {
    if (pipe) wait_for(fd.get());
    const ssize_t got = ::read(fd.get(), text.data() + have, text.size() - have);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) throw system_error("cannot read the key " + name, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  const std::optional<Key> key = key_in(std::string_view(text).substr(0, have));
  if (!key) throw no_key();
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 && complain) {
    complain("the key " + name + " is open to others than its owner: who has it can undo the pseudonyms; chmod 600 it");
  }
  return *key;
}

Key random_key() {
  Key key{};
  std::size_t have = 0;
  while (have < key.size()) {
    const ssize_t got = ::getrandom(key.data() + have, key.size() - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("cannot make a random key", errno);
    have += static_cast<std::size_t>(got);
  }
  return key;
}

}  // namespace tcpaccept::anonymize
