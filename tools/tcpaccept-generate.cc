// tcpaccept-generate: a capture of made-up accepts. Wires the command line to src/generate, nothing else.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string>

#include "core/error.h"
#include "core/printable.h"
#include "core/standard_fds.h"
#include "core/unique_fd.h"
#include "generate/generator.h"
#include "generate/options.h"

namespace {

using tcpaccept::printable;
using tcpaccept::system_error;
using tcpaccept::UniqueFd;

UniqueFd create(const std::string& path, bool force) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0600));
  if (!file.valid()) {
    throw system_error("cannot create " + printable(path), errno, errno == EEXIST ? "--force replaces it" : "");
  }
  return file;
}

void write_all(int fd, const std::string& name, tcpaccept::Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error("cannot write to " + printable(name), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void run(const tcpaccept::generate::Options& options) {
  const bool to_standard_output = options.output == "-";
  if (to_standard_output && ::isatty(STDOUT_FILENO) == 1) {
    throw tcpaccept::Error("standard output is a terminal; give -o OUT", tcpaccept::Exit::kUsage);
  }
  const UniqueFd file = to_standard_output ? UniqueFd() : create(options.output, options.force);
  const int fd = to_standard_output ? STDOUT_FILENO : file.get();
  const std::string name = to_standard_output ? "standard output" : options.output;
  try {
    tcpaccept::generate::Generator(options.plan, [&](tcpaccept::Bytes frame) { write_all(fd, name, frame); }).run();
  } catch (const std::exception&) {
    struct stat status {};
    if (!to_standard_output && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) ::unlink(options.output.c_str());
    throw;
  }
}

}  // namespace

int main(int argc, char** argv) {
  tcpaccept::occupy_standard_descriptors();
  try {
    const auto parsed = tcpaccept::generate::parse_options(argc, argv);
    if (parsed.message) return tcpaccept::print_and_exit("tcpaccept-generate", *parsed.message, 0);
    run(parsed.options);
    return 0;
  } catch (const tcpaccept::Error& error) {
    tcpaccept::complain("tcpaccept-generate", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    tcpaccept::complain("tcpaccept-generate", error.what());
    return static_cast<int>(tcpaccept::Exit::kFailed);
  }
}
