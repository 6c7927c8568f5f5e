// Task: the coroutine of the runtime of chapter 10. Lazy, with one owner, a result, and symmetric
// transfer at both ends.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

// [promise]
/// What the promises of all tasks have: the frame to go on with at the end, and the failure.
struct TaskPromiseBase {
  struct Return {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      return ended.promise().continuation;  // symmetric transfer: the stack does not grow
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  Return final_suspend() noexcept { return {}; }
  void unhandled_exception() { failure = std::current_exception(); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr failure;
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() { return std::move(*value); }
  std::optional<T> value;
};
template <>
struct TaskPromise<void> : TaskPromiseBase {
  void return_void() {}
  void take() {}
};
// [/promise]

// [task]
/// A lazy coroutine with one owner. It runs when it is awaited, or spawned.
template <class T = void>
class Task {
 public:
  struct promise_type : TaskPromise<T> {
    Task get_return_object() { return Task(Frame::from_promise(*this)); }
  };
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  ~Task() {
    if (frame_) frame_.destroy();
  }

  /// Runs the task to its end; what it gives is left in it.
  class UntilEnd {
   public:
    explicit UntilEnd(Task& task) : frame_(task.frame_) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
      frame_.promise().continuation = waiting;
      return frame_;
    }
    void await_resume() const noexcept {}

   protected:
    std::coroutine_handle<promise_type> frame_;
  };
  /// The same, and takes the result.
  class Result : public UntilEnd {
   public:
    using UntilEnd::UntilEnd;
    T await_resume() { return take_from(this->frame_); }
  };

  Result operator co_await() { return Result(*this); }
  [[nodiscard]] UntilEnd until_end() { return UntilEnd(*this); }
  T take() { return take_from(frame_); }

 private:
  using Frame = std::coroutine_handle<promise_type>;
  explicit Task(Frame frame) : frame_(frame) {}
  static T take_from(Frame frame) {
    if (frame.promise().failure) std::rethrow_exception(frame.promise().failure);
    return frame.promise().take();
  }

  Frame frame_;
};
// [/task]
