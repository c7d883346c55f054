#include "truth.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace tcpaccept::vm {

namespace {

std::string quoted(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

void write_all(int fd, std::string_view text) {
  // One write() per row: O_APPEND makes it atomic against the other writers of the same file.
  const ssize_t written = ::write(fd, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    throw std::system_error(written < 0 ? errno : EIO, std::generic_category(), "writing the truth log");
  }
}

}  // namespace

std::string truth_header() {
  return "side,scenario,before_ns,after_ns,pid,tid,comm,raddr,rport,saddr,sport,family,mapped,protocol,"
         "nspid,netns,cgroup,cgroup_path,in_kernel,ahead,backlog,rtt\n";
}

namespace {

std::string known(std::int64_t value, std::int64_t unknown) { return value == unknown ? "" : std::to_string(value); }

}  // namespace

std::string format_row(const TruthRow& row) {
  std::string line = row.side == Side::kAccept ? "accept" : "connect";
  for (const std::string& field :
       {row.scenario, std::to_string(row.before_ns), std::to_string(row.after_ns), std::to_string(row.pid),
        std::to_string(row.tid), row.comm, row.remote.address, std::to_string(row.remote.port), row.local.address,
        std::to_string(row.local.port), std::to_string(row.local.family), std::to_string(row.local.mapped ? 1 : 0),
        std::to_string(row.protocol), known(row.nspid, 0), known(static_cast<std::int64_t>(row.netns), 0),
        known(static_cast<std::int64_t>(row.cgroup), 0), row.cgroup_path, std::to_string(row.in_kernel ? 1 : 0),
        known(row.figures.ahead, -1), known(row.figures.backlog, -1), row.figures.rtt}) {
    line += ',';
    line += quoted(field);
  }
  return line + '\n';
}

Endpoint to_endpoint(const sockaddr_storage& address) {
  Endpoint result;
  result.family = address.ss_family;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    result.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    result.port = ntohs(v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      result.mapped = true;
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  } else {
    throw std::runtime_error("not an internet address: family " + std::to_string(address.ss_family));
  }
  result.address = text.data();
  return result;
}

TruthLog::TruthLog(const std::string& path) {
  if (path.empty()) return;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) < 0) throw std::system_error(errno, std::generic_category(), path);
  if (status.st_size == 0) write_all(fd_, truth_header());
}

TruthLog::~TruthLog() {
  if (fd_ >= 0) ::close(fd_);
}

void TruthLog::write(const TruthRow& row) const {
  if (fd_ >= 0) write_all(fd_, format_row(row));
}

}  // namespace tcpaccept::vm
