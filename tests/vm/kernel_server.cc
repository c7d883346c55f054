// Accepts made inside the kernel: its NVMe-over-TCP target listens and accepts in a kernel worker, without any process.
//
// The client is the only witness: it knows both ends, and once the target has answered its first message the accept lies behind it.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

const std::string kConfig = "/sys/kernel/config";
const std::string kTarget = kConfig + "/nvmet";

// One listening port of the target, configured by making directories and links.
class TargetPort {
 public:
  TargetPort(const std::string& number, const std::string& address, std::uint16_t port)
      : subsystem_(kTarget + "/subsystems/tcpaccept-" + number), port_(kTarget + "/ports/" + number) {
    make(subsystem_);
    make(port_);
    write_file(port_ + "/addr_trtype", "tcp");
    write_file(port_ + "/addr_adrfam", address.find(':') == std::string::npos ? "ipv4" : "ipv6");
    write_file(port_ + "/addr_traddr", address);
    write_file(port_ + "/addr_trsvcid", std::to_string(port));
    link_ = port_ + "/subsystems/tcpaccept";
    check(::symlink(subsystem_.c_str(), link_.c_str()), link_.c_str());  // from here on it listens
  }
  ~TargetPort() {
    ::unlink(link_.c_str());
    ::rmdir(port_.c_str());
    ::rmdir(subsystem_.c_str());
  }
  TargetPort(const TargetPort&) = delete;
  TargetPort& operator=(const TargetPort&) = delete;

 private:
  static void make(const std::string& path) { check(::mkdir(path.c_str(), 0755), path.c_str()); }

  std::string subsystem_;
  std::string port_;
  std::string link_;
};

// The first message of an NVMe/TCP host, "initialize connection request": 128 bytes, of which only these say anything.
void say_hello(int fd) {
  std::array<unsigned char, 128> message{};
  message[2] = 128;  // header length
  message[4] = 128;  // total length
  check(static_cast<int>(::write(fd, message.data(), message.size())), "write to the NVMe target");
  const auto got = check(static_cast<int>(::read(fd, message.data(), message.size())), "read from the NVMe target");
  if (got <= 0) throw std::runtime_error("the NVMe target hung up");
}

void serve_in_kernel(const Context& c, const std::string& number, const std::string& address, const std::string& from) {
  constexpr std::uint16_t kPort = 4420;
  constexpr int kConnections = 3;
  if (::access(kConfig.c_str(), F_OK) == 0 && ::access(kTarget.c_str(), F_OK) != 0) {
    static_cast<void>(::mount("configfs", kConfig.c_str(), "configfs", 0, nullptr));
  }
  if (::access(kTarget.c_str(), F_OK) != 0) return note(c, "no NVMe target in this kernel");
  const TargetPort target(number, address, kPort);
  c.gate(::getpid());
  for (int i = 0; i < kConnections; ++i) {
    TruthRow row = new_row(Side::kAccept, c.name);
    const Fd connection = connect_to(c.log, c.name, {.address = address, .port = kPort}, {.from = from});
    say_hello(connection.get());
    row.after_ns = monotonic_ns();
    row.in_kernel = true;
    row.pid = row.tid = row.nspid = 0;
    row.cgroup = 0;
    row.cgroup_path.clear();
    row.comm.clear();
    row.remote = local_endpoint(connection.get());
    row.local = peer_endpoint(connection.get());
    c.log.write(row);
  }
}

void kernel_v4(const Context& c) { serve_in_kernel(c, "1", c.v4_server, c.v4_client); }
void kernel_v6(const Context& c) { serve_in_kernel(c, "2", c.v6_server, c.v6_client); }

}  // namespace

std::vector<Scenario> kernel_scenarios() {
  return {
      {"kernel", "accepts by the kernel's NVMe target", false, kernel_v4},
      {"kernel-v6", "the same over IPv6", false, kernel_v6},
  };
}

}  // namespace tcpaccept::vm
