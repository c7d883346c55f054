// Servers that wait in accept() by the thousand, and connections as fast as they come.
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <exception>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "parts.h"

namespace tcpaccept::vm {

namespace {

// How often each waiting thread or process accepts: the first time it was parked before any client came, the second time it parked
// while the others were busy.
constexpr int kRounds = 2;

std::vector<Fd> listen_on_many(const Context& c, int count) {
  std::vector<Fd> listeners;
  for (int i = 0; i < count; ++i) listeners.push_back(listen_on(c.v4_server, {.backlog = 4096, .reset = true}));
  return listeners;
}

// A connection of which no row is written, as the servers' rows are the truth. The servers here reset what they accepted, and may be so
// quick that connect() already hears of it; then there is nothing to hold.
Fd connect_quietly(const Context& c, const Endpoint& server, const std::string& from) {
  static const TruthLog none("");
  try {
    return connect_to(none, c.name, server, {.from = from});
  } catch (const std::system_error& error) {
    if (error.code().value() == ECONNRESET) return Fd();
    throw;
  }
}

// `count` connections from two processes, spread over the listeners in turn.
void storm(const Context& c, const std::vector<Fd>& listeners, int count) {
  constexpr int kClients = 2;
  std::vector<Child> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int i = client; i < count; i += kClients) {
        const Fd& listener = listeners[static_cast<std::size_t>(i) % listeners.size()];
        read_to_end(connect_quietly(c, reach(listener.get(), c.v4_server), c.v4_client).get());
      }
    });
  }
  for (Child& client : clients) client.join();
}

// One thread of the crowd. Plain threads with small stacks: thousands of the usual size are too much for a small machine.
struct Waiter {
  const Context* context = nullptr;
  int listener = -1;
  int number = 0;
  pthread_t thread{};
  std::atomic<pid_t> tid = 0;

  void run() {
    set_comm("crowd-" + std::to_string(number));
    tid = ::gettid();
    try {
      serve(*context, listener, kRounds);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "vm-workload: thread %d: %s\n", number, error.what());
      ::_exit(1);
    }
  }
};

void crowd_of_threads(const Context& c, int listener_count) {
  // A blocked accept() has taken its descriptor already.
  const auto descriptors = static_cast<rlim_t>(c.count) * 2 + 1024;
  const rlimit limit{.rlim_cur = descriptors, .rlim_max = descriptors};
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  const std::vector<Fd> listeners = listen_on_many(c, listener_count);
  const Signal parked;
  Child server([&] {
    set_comm("srv-crowd");
    std::deque<Waiter> waiters;
    pthread_attr_t attributes{};
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, std::max<std::size_t>(64 * 1024, static_cast<std::size_t>(PTHREAD_STACK_MIN)));
    for (int i = 0; i < c.count; ++i) {
      Waiter& waiter = waiters.emplace_back();
      waiter.context = &c;
      waiter.number = i;
      waiter.listener = listeners[static_cast<std::size_t>(i) % listeners.size()].get();
      const auto body = [](void* self) -> void* {
        static_cast<Waiter*>(self)->run();
        return nullptr;
      };
      const int error = pthread_create(&waiter.thread, &attributes, body, &waiter);
      if (error != 0) throw std::system_error(error, std::generic_category(), "thread " + std::to_string(i));
    }
    pthread_attr_destroy(&attributes);
    for (const Waiter& waiter : waiters) {
      while (waiter.tid == 0) ::sched_yield();
      wait_until_in_accept(::getpid(), waiter.tid);
    }
    parked.raise();
    for (const Waiter& waiter : waiters) pthread_join(waiter.thread, nullptr);
  });
  parked.wait();
  c.gate(server.pid());
  storm(c, listeners, c.count * kRounds);
  server.join();
}

void threads_on_one(const Context& c) { crowd_of_threads(c, 1); }

void threads_on_many(const Context& c) {
  constexpr int kThreadsEach = 4;
  crowd_of_threads(c, std::max(1, c.count / kThreadsEach));
}

void crowd_of_processes(const Context& c) {
  const std::vector<Fd> listeners = listen_on_many(c, 1);
  std::vector<Child> servers;
  for (int i = 0; i < c.count; ++i) {
    servers.emplace_back([&, i] {
      set_comm("crowd-" + std::to_string(i));
      serve(c, listeners.front().get(), kRounds);
    });
  }
  for (const Child& server : servers) wait_until_in_accept(server.pid(), server.pid());
  c.gate(servers.front().pid());
  storm(c, listeners, c.count * kRounds);
  for (Child& server : servers) server.join();
}

// Four clients, each from an address of its own and with a few connections under way at a time, and three servers blocked in accept().
void burst(const Context& c) {
  constexpr int kServers = 3;
  constexpr int kClients = 4;
  constexpr std::size_t kUnderWay = 16;
  const std::vector<Fd> listeners = listen_on_many(c, 1);
  const int listener = listeners.front().get();
  std::vector<Child> servers;
  for (int i = 0; i < kServers; ++i) {
    servers.emplace_back([&, i] {
      set_comm("burst-" + std::to_string(i));
      try {
        for (;;) serve(c, listener, 1);
      } catch (const std::system_error& error) {
        if (error.code().value() != EINVAL) throw;  // what accept() says once the listener is shut down
      }
    });
  }
  for (const Child& server : servers) wait_until_in_accept(server.pid(), server.pid());
  c.gate(servers.front().pid());
  const Endpoint server = reach(listener, c.v4_server);
  const std::string network = c.v4_server.substr(0, c.v4_server.rfind('.') + 1);
  std::vector<Child> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      std::deque<Fd> open;
      for (int i = client; i < c.count; i += kClients) {
        open.push_back(connect_quietly(c, server, network + std::to_string(11 + client)));
        if (open.size() < kUnderWay) continue;
        read_to_end(open.front().get());
        open.pop_front();
      }
      for (const Fd& connection : open) read_to_end(connection.get());
    });
  }
  for (Child& client : clients) client.join();
  check(::shutdown(listener, SHUT_RDWR), "shutdown");
  for (Child& child : servers) child.join();
}

// A busy server as seen from the network: twelve listeners, a fifth of the connections over IPv6, clients at so many addresses spread over
// 100.64.0.0/10 and 2001:db8::/32. Those must be local and bindable: tests/bench/size prepares the machine.
void spread(const Context& c, std::uint32_t addresses) {
  constexpr int kClients = 4;
  constexpr int kV4 = 9;
  constexpr int kV6 = 3;
  constexpr std::size_t kUnderWay = 16;
  std::vector<Fd> listeners;
  std::vector<Endpoint> reached;
  std::vector<Child> servers;
  for (int i = 0; i < kV4 + kV6; ++i) {
    const bool v4 = i < kV4;
    listeners.push_back(listen_on(v4 ? "0.0.0.0" : "::", {.backlog = 4096, .reset = true}));
    const int listener = listeners.back().get();
    reached.push_back(reach(listener, v4 ? "100.64.0.1" : "2001:db8::1"));
    servers.emplace_back([&, i, listener] {
      set_comm("server-" + std::to_string(i));
      try {
        for (;;) serve(c, listener, 1);
      } catch (const std::system_error& error) {
        if (error.code().value() != EINVAL) throw;
      }
    });
  }
  std::vector<Child> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      std::mt19937 random{static_cast<unsigned>(client)};
      std::deque<Fd> open;
      for (int i = client; i < c.count; i += kClients) {
        // The same few addresses again and again, each anywhere in its network.
        const auto number = static_cast<std::uint32_t>(random() % addresses);
        const bool v4 = addresses < 5 ? random() % 5 != 0 : number % 5 != 0;
        std::mt19937 address{number};
        char from[64];
        if (v4) {
          std::snprintf(from, sizeof from, "100.%u.%u.%u", 64 + address() % 64, address() % 256, address() % 256);
        } else {
          std::snprintf(from, sizeof from, "2001:db8:%x:%x::%x", address() % 65536, address() % 65536, address() % 65536);
        }
        const std::size_t to = v4 ? random() % kV4 : kV4 + random() % kV6;
        open.push_back(connect_quietly(c, reached[to], from));
        if (open.size() < kUnderWay) continue;
        read_to_end(open.front().get());
        open.pop_front();
      }
      for (const Fd& connection : open) read_to_end(connection.get());
    });
  }
  for (Child& client : clients) client.join();
  for (const Fd& listener : listeners) check(::shutdown(listener.get(), SHUT_RDWR), "shutdown");
  for (Child& child : servers) child.join();
}

}  // namespace

std::vector<Scenario> crowd_scenarios() {
  return {
      {"crowd", "--count threads wait on one listener before the gate", false, threads_on_one},
      {"crowd-listeners", "--count threads wait on a quarter as many listeners", false, threads_on_many},
      {"crowd-procs", "--count processes wait on one listener", false, crowd_of_processes},
      {"burst", "--count connections as fast as four processes can make them", false, burst},
      {"spread-8", "--count connections from 8 addresses to twelve listeners", false, [](const Context& c) { spread(c, 8); }},
      {"spread-4683", "the same from 4,683 addresses", false, [](const Context& c) { spread(c, 4683); }},
  };
}

}  // namespace tcpaccept::vm
