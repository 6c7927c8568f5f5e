// The reader's runtime of chapter 15: what the book has built, in one header over poller.hpp. Tasks
// that await each other (chapter 7), an executor and a reactor (chapter 10), leaves that can be
// cancelled (chapter 11), groups of tasks with an end (chapter 8). One thread.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "delay_client.hpp"
#include "poller.hpp"

namespace own {

using Clock = std::chrono::steady_clock;
class Group;

// [promise]
/// What all tasks have: what goes on when they have ended, and how they ended.
struct PromiseBase {
  struct End {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> task) noexcept {
      return task.promise().end();
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  End final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
  std::coroutine_handle<> end() noexcept;

  std::coroutine_handle<> awaiting = std::noop_coroutine();
  Group* group = nullptr;  // of which it is a child, if no task awaits it
  std::exception_ptr error;
};

template <class T>
struct Promise : PromiseBase {
  void return_value(T result) { value = std::move(result); }
  T take() { return std::move(*value); }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  void return_void() noexcept {}
  void take() noexcept {}
};
// [/promise]

// [task]
/// A lazy coroutine, which owns its frame: to destroy the task is to cancel it, with all that it
/// awaits, from the inside to the outside.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : Promise<T> {
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  // An awaiting task: starts this one in its place, and goes on when this one has ended.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    frame_.promise().awaiting = awaiting;
    return frame_;
  }
  T await_resume() { return result(); }

  [[nodiscard]] std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }
  T result() {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
    return frame_.promise().take();
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};
// [/task]

// [waiting]
class Runtime;

/// A coroutine that waits, as the executor and the reactor know it. It stands in the frame, and
/// must not move: others keep its address. Destroyed while it waits, it takes itself out.
class Waiting {
 public:
  explicit Waiting(Runtime& runtime) noexcept : runtime_(runtime) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();

  void begin(std::coroutine_handle<> coroutine) noexcept { coroutine_ = coroutine; }
  void wake();
  void resume() {
    is_ready_ = false;
    coroutine_.resume();
  }
  [[nodiscard]] Runtime& runtime() const noexcept { return runtime_; }

 private:
  Runtime& runtime_;
  std::coroutine_handle<> coroutine_;
  bool is_ready_ = false;  // stands in the run queue
};
// [/waiting]

/// The two sides of a handle, and what waits for each.
struct Waiters {
  Waiting* reader = nullptr;
  Waiting* writer = nullptr;
};

// [runtime]
class Runtime {
 public:
  /// Runs until the task has ended: what is ready, and when nothing is, the reactor.
  template <class T>
  T run(Task<T> task) {
    Waiting start(*this);
    start.begin(task.frame());
    start.wake();
    for (unsigned turn = 1; !task.frame().done(); ++turn) {
      // Now and then also if there is always something ready: else the events would starve.
      if (ready_.empty() || turn % 64 == 0) turn_reactor();
      if (ready_.empty()) continue;
      Waiting* const next = ready_.front();
      ready_.pop_front();
      next->resume();
    }
    return task.result();
  }

  [[nodiscard]] Registry& registry() { return poller_.registry(); }
  void add_timer(Clock::time_point when, Waiting& waiting) { timers_.emplace(when, &waiting); }
  void remove_timer(Clock::time_point when, Waiting& waiting) {
    const auto [first, last] = timers_.equal_range(when);
    const auto found =
        std::find_if(first, last, [&](auto& timer) { return timer.second == &waiting; });
    if (found != last) timers_.erase(found);
  }

 private:
  friend class Waiting;

  /// Events and times become wakes.
  void turn_reactor() {
    poller_.wait(ready_.empty() ? limit_ms() : 0);
    while (const std::optional<TinyEvent> event = poller_.next()) {
      // SAFETY: a Socket registers the address of its waiters, and removes itself before they go.
      auto& waiters = *reinterpret_cast<Waiters*>(event->token);
      if (event->ready.readable && waiters.reader) std::exchange(waiters.reader, nullptr)->wake();
      if (event->ready.writable && waiters.writer) std::exchange(waiters.writer, nullptr)->wake();
    }
    while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
      timers_.extract(timers_.begin()).mapped()->wake();
    }
  }

  [[nodiscard]] int limit_ms() const {
    if (timers_.empty()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
  }

  Poller poller_;
  std::multimap<Clock::time_point, Waiting*> timers_;  // the earliest first
  std::deque<Waiting*> ready_;                         // the run queue
};
// [/runtime]

// [wake]
inline void Waiting::wake() {
  if (std::exchange(is_ready_, true)) return;
  runtime_.ready_.push_back(this);
}

inline Waiting::~Waiting() {
  if (is_ready_) std::erase(runtime_.ready_, this);
}
// [/wake]

// [leaf]
/// The leaf of a handle: suspends until its socket may be readable, or writable.
class Readiness {
 public:
  Readiness(Runtime& runtime, Waiting*& place) noexcept : waiting_(runtime), place_(place) {}
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  ~Readiness() {
    if (place_ == &waiting_) place_ = nullptr;  // cancelled
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept {
    waiting_.begin(coroutine);
    place_ = &waiting_;
  }
  void await_resume() const noexcept {}

 private:
  Waiting waiting_;
  Waiting*& place_;
};
// [/leaf]

// [socket]
/// Owns a non-blocking socket. Its address is the token, so it cannot move.
class Socket {
 public:
  Socket(Runtime& runtime, int fd) : runtime_(runtime), fd_(fd) {
    // SAFETY: an integer of 64 bits holds every address.
    const auto token = reinterpret_cast<std::uintptr_t>(&waiters_);
    runtime_.registry().add(fd, token, {.readable = true, .writable = true});
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    runtime_.registry().remove(fd_);
    close(fd_);
  }

  /// The first thing to await: no turn of the reactor has come since the registration.
  Task<void> connected() {
    co_await Readiness(runtime_, waiters_.writer);
    end_connect(fd_);
  }

  /// Completion out of readiness: try; if it would block, wait, and try again.
  Task<std::size_t> read(char* into, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd_, into, size);
      if (got >= 0) co_return static_cast<std::size_t>(got);
      if (errno != EAGAIN && errno != EINTR) fail("read");
      if (errno == EAGAIN) co_await Readiness(runtime_, waiters_.reader);
    }
  }

  Task<void> write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t taken = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (taken >= 0) {
        text.remove_prefix(static_cast<std::size_t>(taken));
      } else if (errno == EAGAIN) {
        co_await Readiness(runtime_, waiters_.writer);
      } else if (errno != EINTR) {
        fail("write");
      }
    }
  }

  Task<int> accept() {
    for (;;) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) co_return fd;
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) fail("accept");
      if (errno == EAGAIN) co_await Readiness(runtime_, waiters_.reader);
    }
  }

  Task<std::string> read_to_end() {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
      const std::size_t size = co_await read(buffer.data(), buffer.size());
      if (size == 0) co_return text;
      text.append(buffer.data(), size);
    }
  }

  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  [[noreturn]] static void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  }

  Runtime& runtime_;
  int fd_;
  Waiters waiters_;
};
// [/socket]

// [group]
/// Tasks that run beside each other. What has not ended when the group goes is cancelled.
class Group {
 public:
  explicit Group(Runtime& runtime) noexcept : runtime_(runtime) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void spawn(Task<void> task) {
    children_.remove_if([](const Child& child) { return child.task.frame().done(); });
    Child& child = children_.emplace_back(std::move(task), runtime_);
    child.task.frame().promise().group = this;
    ++running_;
    child.start.begin(child.task.frame());
    child.start.wake();
  }

  /// The leaf: suspends until all children have ended, one has failed, or the time has come.
  class End {
   public:
    End(Group& group, Clock::time_point limit)
        : group_(group), limit_(limit), waiting_(group.runtime_) {}
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() { leave(); }
    [[nodiscard]] bool await_ready() const noexcept { return group_.is_over(); }
    void await_suspend(std::coroutine_handle<> coroutine) {
      waiting_.begin(coroutine);
      group_.end_ = &waiting_;
      if (limit_ != Clock::time_point::max()) group_.runtime_.add_timer(limit_, waiting_);
    }
    /// Gives whether all have ended. Throws what a child has thrown.
    bool await_resume() {
      leave();
      if (group_.error_) std::rethrow_exception(group_.error_);
      return group_.running_ == 0;
    }

   private:
    void leave() {
      group_.end_ = nullptr;
      group_.runtime_.remove_timer(limit_, waiting_);
    }

    Group& group_;
    Clock::time_point limit_;
    Waiting waiting_;
  };
  [[nodiscard]] End end(Clock::time_point limit = Clock::time_point::max()) {
    return End(*this, limit);
  }

 private:
  friend struct PromiseBase;
  struct Child {
    Child(Task<void> started, Runtime& runtime) : task(std::move(started)), start(runtime) {}
    Task<void> task;
    Waiting start;
  };

  [[nodiscard]] bool is_over() const noexcept { return running_ == 0 || error_; }
  void one_ended(const std::exception_ptr& error) noexcept {
    --running_;
    if (error && !error_) error_ = error;
    if (is_over() && end_) end_->wake();
  }

  Runtime& runtime_;
  std::list<Child> children_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
  Waiting* end_ = nullptr;
};

inline std::coroutine_handle<> PromiseBase::end() noexcept {
  if (group != nullptr) group->one_ended(error);
  return awaiting;
}
// [/group]

}  // namespace own
