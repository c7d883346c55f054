#include "scenarios.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

// A non-blocking server: takes what waits after each wake-up until accept4() says EAGAIN; ends when `stop` is raised and nothing waits.
void serve_with_epoll(const Context& c, int listener, const Signal& stop) {
  const Fd epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  for (const int fd : {listener, stop.fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
  for (bool stopping = false; !stopping;) {
    std::array<epoll_event, 2> events{};
    const int ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno == EINTR) continue;
    check(ready, "epoll_wait");
    for (int i = 0; i < ready; ++i) stopping |= events[static_cast<std::size_t>(i)].data.fd == stop.fd();
    while (accept_one(c.log, c.name, listener, AcceptCall::kAccept4NonBlocking).get() >= 0) {
    }
  }
}

void v4(const Context& c) { simple(c, {.bind = c.v4_server, .server = c.v4_server, .client = {.from = c.v4_client}}); }
void v6(const Context& c) { simple(c, {.bind = c.v6_server, .server = c.v6_server, .client = {.from = c.v6_client}}); }
void v4_to_dual_stack(const Context& c) {
  simple(c, {.bind = "::", .server = c.v4_server, .listener = {.dual_stack = true}, .client = {.from = c.v4_client}});
}
void v6_to_dual_stack(const Context& c) {
  simple(c, {.bind = "::", .server = c.v6_server, .listener = {.dual_stack = true}, .client = {.from = c.v6_client}});
}

void many(const Context& c) {
  constexpr int kClients = 4;
  const Fd listener = listen_on(c.v4_server, {.non_blocking = true, .backlog = 4096});
  const Signal stop;
  std::vector<Child> servers;
  for (int i = 0; i < 2; ++i) {
    servers.emplace_back([&c, &listener, &stop, i] {
      set_comm("many-" + std::to_string(i));
      serve_with_epoll(c, listener.get(), stop);
    });
  }
  c.gate(servers.front().pid());
  const Endpoint server = reach(listener.get(), c.v4_server);
  std::vector<Child> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < c.count / kClients; ++n) visit(c, server, {});
    });
  }
  for (Child& client : clients) client.join();
  stop.raise();
  for (Child& child : servers) child.join();
}

void epoll_accept4(const Context& c) {
  const Fd listener = listen_on(c.v4_server, {.non_blocking = true});
  const Signal stop;
  Child server([&] {
    set_comm("srv-epoll");
    serve_with_epoll(c, listener.get(), stop);
  });
  c.gate(server.pid());
  for (int i = 0; i < 5; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  stop.raise();
  server.join();
}

void parked(const Context& c) {
  constexpr int kServers = 3;
  const Fd listener = listen_on(c.v4_server);
  std::vector<Child> servers;
  for (int i = 0; i < kServers; ++i) {
    servers.emplace_back([&] {
      set_comm("srv-parked");
      serve(c, listener.get(), 2);
    });
    wait_until_in_accept(servers.back().pid(), servers.back().pid());
  }
  c.gate(servers.front().pid());
  for (int i = 0; i < 2 * kServers; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  for (Child& server : servers) server.join();
}

void threads(const Context& c) {
  constexpr int kThreads = 4;
  const Fd listener = listen_on(c.v4_server);
  Child server([&] {
    set_comm("srv-threads");
    std::vector<std::thread> workers;
    workers.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      workers.emplace_back([&c, &listener, i] {
        set_comm("acc-" + std::to_string(i));
        serve(c, listener.get(), 2);
      });
    }
    for (std::thread& worker : workers) worker.join();
  });
  c.gate(server.pid());
  for (int i = 0; i < 2 * kThreads; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  server.join();
}

void hostile_comm(const Context& c) {
  static constexpr std::array<const char*, 15> kNames = {
      "new\nline", "esc\x1b[31mred", "quo\"te,comma", "=1+2", "+plus", "-dash", "@at", "\xff\x80\xc3(", "tab\there",
      "two  spaces", " lead trail ", "fifteen-chars-x", "back\\slash", "cr\rlf\r\n", ") R (1 2"};
  const Fd listener = listen_on(c.v4_server);
  // One process per name, each waiting for its turn, so that the gate comes before all of them.
  const auto turns = std::make_unique<std::array<Signal, kNames.size()>>();
  std::vector<Child> servers;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    servers.emplace_back([&, i] {
      set_comm(kNames[i]);
      (*turns)[i].wait();
      accept_one(c.log, c.name, listener.get());
    });
  }
  c.gate(servers.front().pid());
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    (*turns)[i].raise();
    visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
    servers[i].join();
  }
}

void reuse_port(const Context& c) {
  const Fd first = listen_on(c.v4_server, {.reuse_port = true, .non_blocking = true});
  const Endpoint server = reach(first.get(), c.v4_server);
  const Fd second = listen_on(c.v4_server, {.reuse_port = true, .non_blocking = true, .port = server.port});
  const Signal stop;
  Child one([&] {
    set_comm("reuse-one");
    serve_with_epoll(c, first.get(), stop);
  });
  Child two([&] {
    set_comm("reuse-two");
    serve_with_epoll(c, second.get(), stop);
  });
  c.gate(one.pid());
  for (int i = 0; i < 20; ++i) visit(c, server, {.from = c.v4_client});
  stop.raise();
  one.join();
  two.join();
}

// The server does nothing between accept() and its end, so its row is written on its behalf: the parent knows its pid and name, and the
// client the addresses.
void accept_and_exit(const Context& c) {
  const Fd listener = listen_on(c.v4_server);
  for (int i = 0; i < 3; ++i) {
    TruthRow row = new_row(Side::kAccept, c.name);
    row.comm = "srv-exit";
    Child server([&] {
      set_comm("srv-exit");
      if (::accept(listener.get(), nullptr, nullptr) >= 0) ::_exit(0);
      ::_exit(1);
    });
    if (i == 0) c.gate(server.pid());
    row.before_ns = monotonic_ns();
    const Fd connection = connect_to(c.log, c.name, reach(listener.get(), c.v4_server), {.from = c.v4_client});
    server.join();
    row.after_ns = monotonic_ns();
    row.pid = row.tid = row.nspid = server.pid();
    row.remote = local_endpoint(connection.get());
    row.local = reach(listener.get(), c.v4_server);
    c.log.write(row);
  }
}

void reset_before_accept(const Context& c, const std::string& bind, const std::string& server_address,
                         const std::string& client_address) {
  const Fd listener = listen_on(bind, {.dual_stack = bind == "::"});
  const Signal go;
  Child server([&] {
    set_comm("srv-reset");
    go.wait();
    serve(c, listener.get(), 3);
  });
  c.gate(server.pid());
  for (int i = 0; i < 3; ++i) {
    const Fd connection = connect_to(c.log, c.name, reach(listener.get(), server_address), {.from = client_address});
    const linger abort{.l_onoff = 1, .l_linger = 0};  // close() now sends RST
    check(::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), "SO_LINGER");
  }
  go.raise();
  server.join();
}

void reset_v4(const Context& c) { reset_before_accept(c, c.v4_server, c.v4_server, c.v4_client); }
void reset_v6(const Context& c) { reset_before_accept(c, c.v6_server, c.v6_server, c.v6_client); }
void reset_dual_stack(const Context& c) { reset_before_accept(c, "::", c.v4_server, c.v4_client); }

// accept() in one thread; another takes the socket, closes it and ends at once.
void hand_over(const Context& c) {
  constexpr int kConnections = 8;
  const Fd listener = listen_on(c.v4_server);
  Child server([&] {
    set_comm("srv-handover");
    for (int i = 0; i < kConnections; ++i) {
      Fd connection = accept_one(c.log, c.name, listener.get());
      std::thread([taken = std::move(connection)]() mutable { taken.reset(); }).detach();
    }
  });
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  server.join();
}

// Each accept() in a thread of its own that ends right behind it; its row is written when it is gone.
void thread_exits(const Context& c) {
  constexpr int kConnections = 8;
  const Fd listener = listen_on(c.v4_server);
  Child server([&] {
    for (int i = 0; i < kConnections; ++i) {
      TruthRow row;
      Fd connection;
      sockaddr_storage peer{};
      std::thread([&] {
        set_comm("brief-" + std::to_string(i));
        row = new_row(Side::kAccept, c.name);
        socklen_t length = sizeof peer;
        connection = Fd(::accept(listener.get(), reinterpret_cast<sockaddr*>(&peer), &length));
      }).join();
      row.after_ns = monotonic_ns();
      describe_accepted(row, check(connection.get(), "accept"), peer);
      c.log.write(row);
    }
  });
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) visit(c, reach(listener.get(), c.v4_server), {.from = c.v4_client});
  server.join();
}

// From here on: what must never show. None of these writes an accept row.

void unix_socket(const Context& c) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Abstract name: nothing is left behind in the file system.
  const std::string name = "tcpaccept-vm-" + std::to_string(::getpid());
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const Fd listener(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  check(::bind(listener.get(), generic, length), "bind");
  check(::listen(listener.get(), 8), "listen");
  Child server([&] {
    set_comm("srv-unix");
    for (int i = 0; i < 3; ++i) Fd(check(::accept(listener.get(), nullptr, nullptr), "accept"));
  });
  c.gate(server.pid());
  for (int i = 0; i < 3; ++i) {
    const Fd client(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    check(::connect(client.get(), generic, length), "connect");
    read_to_end(client.get());
  }
  server.join();
}

void failed_accept(const Context& c) {
  const Fd listener = listen_on(c.v4_server, {.non_blocking = true});
  c.gate(::getpid());
  for (int i = 0; i < 5; ++i) {
    if (accept_one(c.log, c.name, listener.get()).get() >= 0) throw std::runtime_error("a connection nobody made");
  }
  if (::accept(STDERR_FILENO, nullptr, nullptr) >= 0) throw std::runtime_error("accept on a descriptor that is no socket");
}

void refused(const Context& c) {
  Endpoint closed;
  {
    const Fd listener = listen_on(c.v4_server);
    closed = reach(listener.get(), c.v4_server);
  }
  c.gate(::getpid());
  for (int i = 0; i < 3; ++i) {
    try {
      connect_to(c.log, c.name, closed, {.from = c.v4_client});
    } catch (const std::system_error& error) {
      if (error.code().value() == ECONNREFUSED) continue;
      throw;
    }
    throw std::runtime_error("a closed port answered");
  }
}

bool can_bind(const std::string& address) {
  try {
    listen_on(address);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

void Context::gate(pid_t server) const {
  if (!gated) return;
  std::printf("ready %s %d\n", name.c_str(), server);
  std::fflush(stdout);
  char c = 0;
  while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
  }
}

void note(const Context& c, const std::string& text) { std::fprintf(stderr, "note: %s: %s\n", c.name.c_str(), text.c_str()); }

Endpoint reach(int listener, const std::string& address) {
  Endpoint target = local_endpoint(listener);
  target.address = address;
  return target;
}

void visit(const Context& c, const Endpoint& server, const ConnectOptions& options) {
  const Fd connection = connect_to(c.log, c.name, server, options);
  read_to_end(connection.get());
}

void serve(const Context& c, int listener, int count) {
  for (int i = 0; i < count; ++i) accept_one(c.log, c.name, listener);
}

void simple(const Context& c, const Simple& options) {
  const Fd listener = listen_on(options.bind, options.listener);
  constexpr int kConnections = 3;
  Child server([&] {
    set_comm("srv-" + c.name);
    serve(c, listener.get(), kConnections);
  });
  wait_until_in_accept(server.pid(), server.pid());
  c.gate(server.pid());
  for (int i = 0; i < kConnections; ++i) visit(c, reach(listener.get(), options.server), options.client);
  server.join();
}

void write_file(const std::string& path, const std::string& text) {
  const Fd file(check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), path.c_str()));
  check(static_cast<int>(::write(file.get(), text.data(), text.size())), path.c_str());
}

Setting::Setting(const std::string& name, const std::string& value) : path_("/proc/sys/" + name) {
  std::ifstream file(path_);
  if (!std::getline(file, before_)) throw std::runtime_error("cannot read " + path_);
  write_file(path_, value);
}

Setting::~Setting() {
  try {
    write_file(path_, before_);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vm-workload: %s\n", error.what());
  }
}

std::vector<Scenario> basic_scenarios() {
  return {
      {"v4", "IPv4", true, v4},
      {"v6", "IPv6", true, v6},
      {"v4-dual", "IPv4 client, dual-stack listener", true, v4_to_dual_stack},
      {"v6-dual", "IPv6 client, dual-stack listener", true, v6_to_dual_stack},
      {"many", "--count connections from four processes to two", true, many},
      {"epoll", "epoll and accept4, with failing accepts between", true, epoll_accept4},
      {"parked", "three processes wait in accept() before the gate", true, parked},
      {"threads", "accepts in threads with names of their own", true, threads},
      {"comm", "hostile process names", true, hostile_comm},
      {"reuseport", "two processes on one port", true, reuse_port},
      {"handover", "the accepted socket goes to a thread that ends at once", true, hand_over},
      {"thread-exit", "the accepting thread ends at once", true, thread_exits},
      {"exit", "the server ends at once after accept()", true, accept_and_exit},
      {"reset", "the client resets before the accept", true, reset_v4},
      {"reset-v6", "the same over IPv6", true, reset_v6},
      {"reset-dual", "the same over IPv4 on a dual-stack listener", true, reset_dual_stack},
      {"unix", "AF_UNIX accepts (must not show)", true, unix_socket},
      {"failed", "accept() that fails (must not show)", true, failed_accept},
      {"refused", "connects to a closed port (must not show)", true, refused},
  };
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> scenarios = [] {
    std::vector<Scenario> all = basic_scenarios();
    for (auto list : {family_scenarios, crowd_scenarios, protocol_scenarios, uring_scenarios, kernel_scenarios,
                      namespace_scenarios, queue_scenarios, hidden_scenarios}) {
      const std::vector<Scenario> more = list();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return scenarios;
}

void choose_addresses(Context& context) {
  const bool in_vm = can_bind("192.168.60.170") && can_bind("fd00:60::170");
  context.v4_server = in_vm ? "192.168.60.170" : "127.0.0.1";
  context.v4_client = in_vm ? "192.168.60.1" : "127.0.0.1";
  context.v6_server = in_vm ? "fd00:60::170" : "::1";
  context.v6_client = in_vm ? "fd00:60::1" : "::1";
}

}  // namespace tcpaccept::vm
