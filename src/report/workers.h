// Threads that work off small tasks, for whoever hands tasks out in order and takes results in order.
//
// Whoever waits for a task lends a hand: with no thread at all everything is done by wait().
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tcpaccept::report {

class Workers {
 public:
  // Used again and again; must not move or end between submit() and wait().
  struct Task {
    std::function<void()> work;

   private:
    friend class Workers;
    enum class State { kIdle, kQueued, kRunning, kDone } state_ = State::kIdle;
    std::exception_ptr error_;
  };

  // Threads are started by the first submit().
  explicit Workers(unsigned threads) : wanted_(threads) {}
  // No task may be under way.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void submit(Task& task);
  // Until it is done. Throws what it threw.
  void wait(Task& task);

  // How many tasks may usefully be under way.
  std::size_t depth() const { return wanted_ == 0 ? 1 : wanted_ + 2; }
  bool parallel() const { return wanted_ != 0; }

 private:
  void serve();
  void run(Task& task, std::unique_lock<std::mutex>& lock);

  unsigned wanted_;
  std::mutex mutex_;
  std::condition_variable queued_;  // or over_
  std::condition_variable done_;
  std::deque<Task*> queue_;
  std::vector<std::thread> threads_;
  bool over_ = false;
};

}  // namespace tcpaccept::report
