// ForeignAwaiter<A>: an awaitable that knows nothing of weft, as the leaf that a weft task waits
// on. Resuming the handle that it gets, on any thread, makes the task runnable through its
// executor, and does nothing else.
//
// Cancel: a foreign awaitable cannot be asked to end early. So the task waits for it, and is
// unwound at its next await. If the awaitable never resumes, the task never ends.
#pragma once

#include <weft/extend/awaitable.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/extend/task_header.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

/// The handle that a foreign awaitable gets: of a coroutine that, when resumed, ends the leaf of
/// `task` and is destroyed.
class ForeignResumption {
 public:
  class promise_type {
   public:
    static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept {
      deallocate_frame(frame, bytes);
    }
    ForeignResumption get_return_object() noexcept {
      return ForeignResumption(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }  // nothing in it throws
  };

  /// Throws std::bad_alloc.
  static ForeignResumption of(TaskHeader& task) {
    task.leaf_ended(false);
    co_return;
  }
  [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }

 private:
  explicit ForeignResumption(std::coroutine_handle<> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<> handle_;
};

template <class A>
class ForeignAwaiter {
  using Inner = decltype(own_awaiter(std::declval<A>()));

 public:
  explicit ForeignAwaiter(A&& awaitable) : inner_(own_awaiter(std::forward<A>(awaitable))) {}
  ForeignAwaiter(const ForeignAwaiter&) = delete;
  ForeignAwaiter& operator=(const ForeignAwaiter&) = delete;

  // What is ready is asked where the task can end by a cancel, or make room for others: a loop of
  // such awaits would do neither.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <std::derived_from<PromiseBase> P>
  bool await_suspend(std::coroutine_handle<P> innermost) {
    TaskHeader& task = innermost.promise().task();
    if (!task.suspended_to_begin(innermost.promise())) return true;
    if (inner_.await_ready()) return !task.leaf_ended_inline();
    const std::coroutine_handle<> resumption = ForeignResumption::of(task).handle();
    const std::coroutine_handle<> next = suspend(resumption);
    if (next == resumption) {
      resumption.destroy();
      return !task.leaf_ended_inline();
    }
    // This object may be gone from here on.
    if (next != nullptr) go_on_with(next);
    return true;
  }
  decltype(auto) await_resume() { return inner_.await_resume(); }

 private:
  /// Returns `resumption` if the awaitable does not wait and will not resume it. Otherwise returns
  /// the coroutine to transfer to, or null.
  std::coroutine_handle<> suspend(std::coroutine_handle<> resumption) {
    using Suspended = decltype(inner_.await_suspend(resumption));
    try {
      if constexpr (std::is_void_v<Suspended>) {
        inner_.await_suspend(resumption);
        return nullptr;
      } else if constexpr (std::is_same_v<Suspended, bool>) {
        if (inner_.await_suspend(resumption)) return nullptr;
        return resumption;
      } else {
        return inner_.await_suspend(resumption);
      }
    } catch (...) {
      resumption.destroy();
      throw;
    }
  }
  /// Resumes a foreign coroutine. An exception that it throws into its resumer ends the process,
  /// because there is no handler for it here.
  static void go_on_with(std::coroutine_handle<> next) noexcept { next.resume(); }

  Inner inner_;
};

}  // namespace weft::inline v0_1::detail
