#include "report/workers.h"

#include <signal.h>

#include <system_error>
#include <utility>

namespace tcpaccept::report {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  queued_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::submit(Task& task) {
  if (threads_.empty() && wanted_ != 0) {
    // Signals are for the thread that reads and writes.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    try {
      while (threads_.size() < wanted_) threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // no more threads to be had: fewer do
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    if (threads_.empty()) wanted_ = 0;
  }
  {
    const std::lock_guard lock(mutex_);
    task.state_ = Task::State::kQueued;
    queue_.push_back(&task);
  }
  queued_.notify_one();
}

void Workers::wait(Task& task) {
  std::unique_lock lock(mutex_);
  while (task.state_ != Task::State::kDone) {
    if (queue_.empty()) {
      done_.wait(lock);
    } else {
      run(*queue_.front(), lock);
    }
  }
  task.state_ = Task::State::kIdle;
  if (task.error_) std::rethrow_exception(std::exchange(task.error_, nullptr));
}

void Workers::run(Task& task, std::unique_lock<std::mutex>& lock) {
  queue_.pop_front();
  task.state_ = Task::State::kRunning;
  lock.unlock();
  try {
    task.work();
  } catch (...) {
    task.error_ = std::current_exception();
  }
  lock.lock();
  task.state_ = Task::State::kDone;
  done_.notify_all();
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    queued_.wait(lock, [this] { return over_ || !queue_.empty(); });
    if (over_) return;
    run(*queue_.front(), lock);
  }
}

}  // namespace tcpaccept::report
