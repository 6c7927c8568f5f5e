// OwnTask: a coroutine type that can be awaited by others of its kind. Chapter 7 of the guide
// builds it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

// [task]
/// A lazy coroutine that gives a T. The first one of a chain is started by hand.
template <class T>
class OwnTask {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  /// At the end of a task: goes on with the one that awaited it.
  class Final {
   public:
    Final() = default;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle ended) const noexcept {
      return ended.promise().continuation_;  // instead of continuation_.resume()
    }
    void await_resume() const noexcept {}
  };

  /// In the one that awaits: notes it in the child's promise, and goes on with the child.
  class Awaiter {
   public:
    explicit Awaiter(Handle child) : child_(child) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) const noexcept {
      child_.promise().continuation_ = parent;
      return child_;  // instead of child_.resume()
    }
    T await_resume() const { return child_.promise().take(); }

   private:
    Handle child_;
  };

  class promise_type {
   public:
    OwnTask get_return_object() { return OwnTask(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_value(T value) { value_ = std::move(value); }
    void unhandled_exception() { error_ = std::current_exception(); }
    T take() {
      if (error_) std::rethrow_exception(error_);
      return std::move(*value_);
    }

   private:
    friend Final;
    friend Awaiter;
    std::coroutine_handle<> continuation_ = std::noop_coroutine();
    std::optional<T> value_;
    std::exception_ptr error_;
  };

  OwnTask(OwnTask&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  OwnTask& operator=(OwnTask&&) = delete;
  ~OwnTask() {
    if (frame_) frame_.destroy();
  }

  Awaiter operator co_await() const noexcept { return Awaiter(frame_); }

  /// Runs it until it waits, or ends. For a task that no other one awaits.
  void start() const { frame_.resume(); }
  [[nodiscard]] bool done() const { return frame_.done(); }
  /// What it gave; or throws what it threw. Once, after its end.
  T result() const { return frame_.promise().take(); }

 private:
  explicit OwnTask(Handle frame) : frame_(frame) {}

  Handle frame_;
};
// [/task]
