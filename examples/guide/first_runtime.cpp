// A runtime in one file: a run queue (the executor), TinyQueue (the reactor), wakers between them,
// and coroutines on top.
#include <coroutine>
#include <cstdio>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipe.hpp"
#include "tiny_queue.hpp"

class TinyRuntime;

// [waker]
/// Makes one suspended coroutine runnable again. Any thread may call it, once.
class Waker {
 public:
  Waker() = default;
  Waker(TinyRuntime& runtime, std::coroutine_handle<> task) : runtime_(&runtime), task_(task) {}
  void wake();

 private:
  TinyRuntime* runtime_ = nullptr;
  std::coroutine_handle<> task_;
};
// [/waker]

// [task]
/// A coroutine that belongs to the runtime: it is put into the run queue when it is made, and its
/// frame goes when it has ended.
struct Task {
  struct promise_type {
    explicit promise_type(TinyRuntime& on, auto&...) : runtime(on) {}
    Task get_return_object();
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept;
    void return_void() {}
    void unhandled_exception() { std::terminate(); }

    TinyRuntime& runtime;
  };
};
// [/task]

class TinyRuntime {
 public:
  // [executor]
  /// Runs until every task has ended. The executor's loop: run what is ready; when nothing is, let
  /// the reactor wait.
  void run() {
    while (live_tasks_ != 0) {
      take_in_wakes();
      if (!ready_.empty()) {
        const std::coroutine_handle<> task = ready_.front();
        ready_.pop_front();
        task.resume();
      } else {
        turn_reactor();
      }
    }
  }
  // [/executor]

  // [reactor]
  /// The leaf: suspends a task until `fd` is readable.
  class Readable {
   public:
    Readable(TinyRuntime& runtime, int fd) : runtime_(runtime), fd_(fd) {}
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      runtime_.waiting_[fd_] = Waker(runtime_, task);
      runtime_.queue_.add(fd_, static_cast<std::uint64_t>(fd_), {.readable = true});
    }
    void await_resume() const {}

   private:
    TinyRuntime& runtime_;
    int fd_;
  };
  [[nodiscard]] Readable readable(int fd) { return {*this, fd}; }
  // [/reactor]

 private:
  friend class Waker;
  friend struct Task::promise_type;

  // [turn]
  /// One turn of the reactor: events become wakes.
  void turn_reactor() {
    for (const TinyEvent& event : queue_.wait()) {
      const int fd = static_cast<int>(event.token);
      queue_.remove(fd);
      waiting_[fd].wake();
    }
  }
  // [/turn]

  // [wakes]
  /// Any thread. The reactor may be asleep: it is told, too.
  void wake(std::coroutine_handle<> task) {
    {
      const std::lock_guard lock(mutex_);
      woken_.push_back(task);
    }
    queue_.wake();
  }

  void take_in_wakes() {
    const std::lock_guard lock(mutex_);
    ready_.insert(ready_.end(), woken_.begin(), woken_.end());
    woken_.clear();
  }
  // [/wakes]

  TinyQueue queue_;
  std::map<int, Waker> waiting_;               // which task waits for which handle
  std::deque<std::coroutine_handle<>> ready_;  // the run queue
  std::size_t live_tasks_ = 0;
  std::mutex mutex_;
  std::vector<std::coroutine_handle<>> woken_;  // guarded by mutex_
};

void Waker::wake() { runtime_->wake(task_); }

Task Task::promise_type::get_return_object() {
  ++runtime.live_tasks_;
  runtime.ready_.push_back(std::coroutine_handle<promise_type>::from_promise(*this));
  return {};
}

std::suspend_never Task::promise_type::final_suspend() noexcept {
  --runtime.live_tasks_;
  return {};
}

// [program]
Task play(TinyRuntime& runtime, const char* name, const Pipe& from, const Pipe& to) {
  for (;;) {
    co_await runtime.readable(from.reader());
    const char ball = from.take();
    std::printf("%s %c\n", name, ball);
    if (ball > '0') to.put(std::string(1, static_cast<char>(ball - 1)));
    if (ball <= '1') co_return;
  }
}

/// A leaf that no handle stands behind: a foreign thread computes, then calls the waker.
class Answer {
 public:
  explicit Answer(TinyRuntime& runtime) : runtime_(runtime) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> task) {
    thread_ = std::jthread([this, waker = Waker(runtime_, task)]() mutable {
      answer_ = 6 * 7;
      waker.wake();
    });
  }
  [[nodiscard]] int await_resume() const { return answer_; }

 private:
  TinyRuntime& runtime_;
  int answer_ = 0;
  std::jthread thread_;
};

Task serve(TinyRuntime& runtime, const Pipe& to) {
  Answer answer(runtime);
  const int value = co_await answer;
  std::printf("the foreign thread says %d\n", value);
  to.put("5");
}
// [/program]

int main() {
  TinyRuntime runtime;
  const Pipe there;
  const Pipe back;
  play(runtime, "ping", there, back);
  play(runtime, "     pong", back, there);
  serve(runtime, there);
  runtime.run();
}
