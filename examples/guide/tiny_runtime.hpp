// The runtime of chapter 10, grown: executors, each on a thread of its own; one reactor, which they
// share; wakers between them; tasks that await each other, and can be joined. Made of TinyQueue and
// the standard library.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tiny_queue.hpp"
#include "tiny_task.hpp"

template <class T>
class Join;

// [executor]
/// Runs tasks, all on the thread that calls run(). A task stays with its executor.
class Executor {
 public:
  /// Runs until all tasks that were spawned here have ended.
  void run() {
    this_thread() = this;
    while (live_tasks_ != 0) next().resume();
    this_thread() = nullptr;
  }

  /// Makes a suspended task of this executor runnable. Any thread.
  void schedule(std::coroutine_handle<> task) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(task);
    not_empty_.notify_one();  // under the lock: without it, the executor may end before this line
  }

  /// Starts a task that runs beside the caller: before run(), or from a task of this executor.
  template <class T>
  Join<T> spawn(Task<T> task);

  /// The executor of the calling thread, while it runs tasks.
  static Executor& current() { return *this_thread(); }

 private:
  friend struct RootPromise;

  [[gnu::noinline]] static Executor*& this_thread() {
    thread_local Executor* executor = nullptr;
    return executor;
  }

  /// To find nothing and to fall asleep is one step: the lock is held until the thread sleeps.
  std::coroutine_handle<> next() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return !ready_.empty(); });
    const std::coroutine_handle<> task = ready_.front();
    ready_.pop_front();
    return task;
  }

  std::size_t live_tasks_ = 0;  // used before run(), and by its thread
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::deque<std::coroutine_handle<>> ready_;  // the run queue; guarded by mutex_
};
// [/executor]

// [waker]
/// Makes one suspended task runnable again, where it belongs. Any thread may call it, once.
class Waker {
 public:
  Waker() = default;
  /// For a task that is about to suspend on this thread.
  explicit Waker(std::coroutine_handle<> task) : executor_(&Executor::current()), task_(task) {}
  void wake() const {
    if (executor_ != nullptr) executor_->schedule(task_);
  }

 private:
  Executor* executor_ = nullptr;
  std::coroutine_handle<> task_;
};
// [/waker]

// [event]
/// Set once, by any thread; one task waits for it, of any executor.
class Event {
 public:
  void set() {
    Waker waiting;
    {
      const std::lock_guard lock(mutex_);
      is_set_ = true;
      waiting = std::exchange(waiting_, Waker());
    }
    waiting.wake();
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  /// Leaves the waker and looks, in one step. False: it is set, so the task need not stop.
  bool await_suspend(std::coroutine_handle<> task) {
    const std::lock_guard lock(mutex_);
    if (!is_set_) waiting_ = Waker(task);
    return !is_set_;
  }
  void await_resume() const noexcept {}

 private:
  std::mutex mutex_;
  bool is_set_ = false;  // this and the next: guarded by mutex_
  Waker waiting_;
};
// [/event]

// [join]
/// A spawned task: what it gives, and the event of its end.
template <class T>
struct Spawned {
  explicit Spawned(Task<T> to_run) : task(std::move(to_run)) {}
  Task<T> task;
  Event ended;
};

/// Waits for a spawned task: co_await gives its result, or throws what it has thrown.
template <class T>
class Join {
 public:
  explicit Join(std::shared_ptr<Spawned<T>> spawned) : spawned_(std::move(spawned)) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> task) { return spawned_->ended.await_suspend(task); }
  T await_resume() { return spawned_->task.take(); }

 private:
  std::shared_ptr<Spawned<T>> spawned_;
};
// [/join]

// [spawn]
/// The outermost frame of a spawned task. It has no owner: it destroys itself at its end.
struct RootPromise {
  struct Root {
    using promise_type = RootPromise;
    std::coroutine_handle<> frame;
  };
  Root get_return_object() { return {std::coroutine_handle<RootPromise>::from_promise(*this)}; }
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept {
    --Executor::current().live_tasks_;
    return {};
  }
  void return_void() {}
  void unhandled_exception() { std::terminate(); }  // until_end() throws nothing

  static void count_in(Executor& executor) { ++executor.live_tasks_; }
};

template <class T>
RootPromise::Root run_to_the_end(std::shared_ptr<Spawned<T>> spawned) {
  co_await spawned->task.until_end();
  spawned->ended.set();
}

template <class T>
Join<T> Executor::spawn(Task<T> task) {
  auto spawned = std::make_shared<Spawned<T>>(std::move(task));
  RootPromise::count_in(*this);
  schedule(run_to_the_end(spawned).frame);
  return Join<T>(std::move(spawned));
}
// [/spawn]

// [yield]
/// Puts the task behind all that can run.
struct Yield {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> task) { Executor::current().schedule(task); }
  void await_resume() const noexcept {}
};
// [/yield]

/// Waits for handles and times on a thread of its own, for all executors.
class Reactor {
 public:
  using Clock = std::chrono::steady_clock;

  Reactor() : thread_([this] { run(); }) {}
  ~Reactor() {
    stopped_ = true;
    queue_.wake();
  }

  // [sleep]
  /// A leaf: suspends a task until `deadline`.
  class Sleep {
   public:
    Sleep(Reactor& reactor, Clock::time_point deadline) : reactor_(reactor), deadline_(deadline) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      reactor_.add_timer(deadline_, Waker(task));  // from here on it may be woken: touch nothing
    }
    void await_resume() const noexcept {}

   private:
    Reactor& reactor_;
    Clock::time_point deadline_;
  };
  [[nodiscard]] Sleep sleep_for(Clock::duration time) { return {*this, Clock::now() + time}; }
  // [/sleep]

  // [readiness]
  /// A leaf: suspends a task until `fd` is ready. One task at a time for each handle.
  class Readiness {
   public:
    Readiness(Reactor& reactor, int fd, Ready interest)
        : reactor_(reactor), fd_(fd), interest_(interest) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      reactor_.add_handle(fd_, interest_, Waker(task));
    }
    void await_resume() const noexcept {}

   private:
    Reactor& reactor_;
    int fd_;
    Ready interest_;
  };
  [[nodiscard]] Readiness readable(int fd) { return {*this, fd, {.readable = true}}; }
  [[nodiscard]] Readiness writable(int fd) { return {*this, fd, {.writable = true}}; }
  // [/readiness]

 private:
  // [add]
  void add_timer(Clock::time_point deadline, Waker waker) {
    {
      const std::lock_guard lock(mutex_);
      timers_.emplace(deadline, waker);
    }
    queue_.wake();  // its thread may sleep until a later deadline
  }

  void add_handle(int fd, Ready interest, Waker waker) {
    const std::lock_guard lock(mutex_);
    handles_[fd] = waker;  // first leave the waker, then watch
    queue_.add(fd, static_cast<std::uint64_t>(fd), interest);
  }
  // [/add]

  // [run]
  void run() {
    while (!stopped_) {
      const int limit_ms = time_to_first_timer_ms();
      for (const TinyEvent& event : queue_.wait(limit_ms)) {
        take_handle(static_cast<int>(event.token)).wake();
      }
      for (const Waker& waker : take_due_timers()) waker.wake();
    }
  }

  int time_to_first_timer_ms() {
    const std::lock_guard lock(mutex_);
    if (timers_.empty()) return -1;
    const auto left = timers_.begin()->first - Clock::now();
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return whole > 0 ? static_cast<int>(whole) : 0;
  }

  Waker take_handle(int fd) {
    const std::lock_guard lock(mutex_);
    queue_.remove(fd);
    return std::exchange(handles_[fd], Waker());
  }

  std::vector<Waker> take_due_timers() {
    std::vector<Waker> due;
    const std::lock_guard lock(mutex_);
    const auto end = timers_.upper_bound(Clock::now());
    for (auto timer = timers_.begin(); timer != end; ++timer) due.push_back(timer->second);
    timers_.erase(timers_.begin(), end);
    return due;
  }
  // [/run]

  std::mutex mutex_;
  std::multimap<Clock::time_point, Waker> timers_;  // guarded by mutex_
  std::map<int, Waker> handles_;                    // guarded by mutex_
  TinyQueue queue_;
  std::atomic<bool> stopped_{false};
  std::jthread thread_;  // the last member: it is joined before the others go
};

// [io]
/// Throws what the last call has set, as `what`.
[[noreturn]] inline void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Reads what is there, at least one byte; 0: the other side has ended. `fd` is non-blocking.
inline Task<std::size_t> read_some(Reactor& reactor, int fd, std::span<char> room) {
  for (;;) {
    const ssize_t size = ::read(fd, room.data(), room.size());
    if (size >= 0) co_return static_cast<std::size_t>(size);
    if (errno != EAGAIN) throw_errno("read");
    co_await reactor.readable(fd);
  }
}

/// Writes all of `text`.
inline Task<> write_all(Reactor& reactor, int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      co_await reactor.writable(fd);
    } else {
      throw_errno("write");
    }
  }
}
// [/io]
