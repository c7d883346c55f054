// Servers in other namespaces and cgroups than the recorder, as containers have them.
//
// A process in the middle enters them and is the client; below it stands an init, the first process of the pid namespace, and below that
// the server, whose pid is thus one number inside and another outside.
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

void raise_loopback() {
  const Fd any(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check(::ioctl(any.get(), SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
}

// A cgroup for the life of this object, empty again by then.
class Cgroup {
 public:
  explicit Cgroup(const std::string& name) : path_("/sys/fs/cgroup/" + name) { check(::mkdir(path_.c_str(), 0755), path_.c_str()); }
  ~Cgroup() { ::rmdir(path_.c_str()); }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  void enter() const { write_file(path_ + "/cgroup.procs", "0"); }

 private:
  std::string path_;
};

struct Walls {
  int flags = 0;  // for unshare()
  bool cgroup = false;
  bool nested = false;  // a pid namespace in a pid namespace
};

void serve_behind(const Context& c, const Walls& walls) {
  constexpr int kConnections = 3;
  std::optional<Cgroup> cgroup;
  if (walls.cgroup) cgroup.emplace("tcpaccept-" + c.name);
  Child middle([&] {
    if (cgroup) cgroup->enter();
    check(::unshare(walls.flags), "unshare");
    forget_identity();
    const bool own_network = (walls.flags & CLONE_NEWNET) != 0;
    if (own_network) raise_loopback();
    const std::string address = own_network ? "127.0.0.1" : c.v4_server;
    const Fd listener = listen_on(address);
    const Signal outer_pid;
    const auto serve_here = [&] {
      Child server([&] {
        set_comm("srv-" + c.name);
        outer_pid.raise(static_cast<std::uint64_t>(identity().pid));
        serve(c, listener.get(), kConnections);
        // The number in its own namespace is not in the sample: the recorder looks it up, four times a second.
        ::usleep(600'000);
      });
      server.join();
    };
    Child init([&] {
      if (!walls.nested) return serve_here();
      check(::unshare(CLONE_NEWPID), "unshare");
      Child inner_init(serve_here);
      inner_init.join();
    });
    const auto pid = static_cast<pid_t>(outer_pid.wait());
    wait_until_in_accept(pid, pid);
    c.gate(pid);
    for (int i = 0; i < kConnections; ++i) visit(c, reach(listener.get(), address), {});
    init.join();
  });
  middle.join();
}

void pid_namespace(const Context& c) { serve_behind(c, {.flags = CLONE_NEWPID}); }
void nested_pid_namespace(const Context& c) { serve_behind(c, {.flags = CLONE_NEWPID, .nested = true}); }
void net_namespace(const Context& c) { serve_behind(c, {.flags = CLONE_NEWNET}); }
void other_cgroup(const Context& c) { serve_behind(c, {.cgroup = true}); }
void container(const Context& c) {
  serve_behind(c, {.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, .cgroup = true});
}

}  // namespace

std::vector<Scenario> namespace_scenarios() {
  return {
      {"ns-pid", "server in another pid namespace", true, pid_namespace},
      {"ns-nested", "server in a pid namespace of a pid namespace", true, nested_pid_namespace},
      {"ns-net", "server and client in another network namespace", true, net_namespace},
      {"ns-cgroup", "server in another cgroup", true, other_cgroup},
      {"ns-all", "all of these at once, as in a container", true, container},
  };
}

}  // namespace tcpaccept::vm
