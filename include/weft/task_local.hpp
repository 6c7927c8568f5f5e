// TaskLocal<T>: a value that is bound for a part of a task's work, and seen by all that runs below.
//
//   const weft::TaskLocal<std::string> request_id;
//   …
//   co_await request_id.with("17", handle(request));    // in handle(), and in all that it calls
//   …                                                   // and awaits:
//   log(request_id.get());                              // "17", in any function, on any worker
//
// Who sees a binding: the code of the task itself, coroutines, fibers and plain functions alike,
// destructors of a cancelled one too; what it awaits by when_all(), select(), timeout(), scope(),
// and the other groups; polls of futures; the children that are spawned into a scope which was
// *opened* under the binding, with their callbacks (on_complete_in). All of these end before the binding
// does. Who does not: what is spawned for the runtime (spawn, then, as_future), and what other
// threads do (blocking, parallel): give them the value itself.
//
// What it costs: nothing for those who bind nothing. The first binding of a task takes it once
// through the run queue; each later wake-up of such a task some nanoseconds. Nothing is allocated
// but the frame of with(). get() walks over the bindings that are nearer.
#pragma once

#include <weft/detail/task_context.hpp>
#include <weft/fiber.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

/// One for each TaskLocal, and never again.
[[nodiscard]] std::uint64_t next_task_local_key() noexcept;
[[noreturn]] void throw_not_bound();

}  // namespace detail

/// Thread-safe: who reads sees what was bound for it, and nobody writes. The TaskLocal may go while
/// a binding lasts.
template <class T>
class TaskLocal {
  static_assert(std::is_object_v<T>);

 public:
  TaskLocal() noexcept : key_(detail::next_task_local_key()) {}
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  /// The value that is bound here. Valid until the binding ends: a copy outlives it. Throws
  /// std::logic_error if there is none.
  [[nodiscard]] const T& get() const {
    const T* const value = find();
    if (value == nullptr) detail::throw_not_bound();
    return *value;
  }
  /// The same; null if there is none.
  [[nodiscard]] const T* find() const noexcept {
    const detail::TaskContext* const binding =
        detail::TaskContext::find(detail::TaskContext::current(), key_);
    // SAFETY: what is bound to this key is a T.
    return binding != nullptr ? static_cast<const T*>(binding->value()) : nullptr;
  }
  [[nodiscard]] const T& operator*() const { return get(); }
  [[nodiscard]] const T* operator->() const { return &get(); }

  /// Runs `body`, an awaitable or something to call that gives one, with `value` bound, and gives
  /// its result. An outer binding is seen again afterwards. Cancel: cancels the body.
  template <class Body>
  [[nodiscard]] auto with(T value, Body body) const -> Task<SpawnResult<Body>> {
    return run_with<Body>(key_, std::move(value), std::move(body));
  }
  /// Calls `function()`, a plain one, with `value` bound, and gives its result. In a fiber it may
  /// await. Also outside of a runtime.
  template <class F>
  std::invoke_result_t<F&> call_with(T value, F function) const {
    if (in_fiber()) {
      detail::ValueBinding binding(key_, &value);
      await(binding.enter());
      return std::invoke(function);
    }
    const detail::CallBinding binding(key_, &value);
    const detail::ContextScope scope(&binding);
    return std::invoke(function);
  }

 private:
  // The key is copied, so that the TaskLocal may go.
  template <class Body>
  static Task<SpawnResult<Body>> run_with(std::uint64_t key, T value, Body body) {
    detail::ValueBinding binding(key, &value);
    co_await binding.enter();
    if constexpr (std::is_invocable_v<Body&>) {
      co_return co_await std::invoke(body);
    } else {
      co_return co_await std::move(body);
    }
  }

  std::uint64_t key_;
};

}  // namespace weft
