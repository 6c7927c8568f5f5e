// TaskLocal<T>: a value that is bound for a part of a task's work, and visible to all code that
// this part runs.
//
//   const weft::TaskLocal<std::string> request_id;
//   …
//   co_await request_id.with("17", handle(request));    // in handle(), and in all that it calls
//   …                                                   // and awaits:
//   log(request_id.get());                              // "17", in any function, on any worker
//
// A binding is visible to:
//   - the code of the task itself: coroutines, fibers, plain functions, and destructors, also those
//     of a cancelled task;
//   - what it awaits by when_all(), select(), timeout(), scope() and the other groups;
//   - polls of futures;
//   - children spawned into a scope that was *opened* under the binding, and their callbacks
//     (on_complete() with SpawnOptions::owner()).
//
// All of these end before the binding does. A binding is not visible to tasks spawned for the
// runtime (spawn, on_complete, as_future) and to work on other threads (blocking, parallel): pass
// them the value itself.
//
// Cost: none for tasks without bindings. The first binding of a task takes it once through the run
// queue; each later wake-up of such a task takes some nanoseconds more. Only the frame of with() is
// allocated. get() walks over the nearer bindings.
#pragma once

#include <weft/detail/task_context.hpp>
#include <weft/fiber.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// Returns a key for one TaskLocal; no key is returned twice.
[[nodiscard]] std::uint64_t next_task_local_key() noexcept;
[[noreturn]] void throw_not_bound();

}  // namespace detail

/// A task-local value; see the top of this header. Thread-safe: a reader sees the value that was
/// bound for it, which is never modified. The TaskLocal may be destroyed while a binding lasts.
template <class T>
class TaskLocal {
  static_assert(std::is_object_v<T>);

 public:
  TaskLocal() noexcept : key_(detail::next_task_local_key()) {}
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  /// Returns the value that is bound here. The reference is valid until the binding ends; a copy
  /// outlives it. Throws std::logic_error if there is none.
  [[nodiscard]] const T& get() const {
    const T* const value = find();
    if (value == nullptr) detail::throw_not_bound();
    return *value;
  }
  /// Returns a pointer to the value, or null if there is none; otherwise as get().
  [[nodiscard]] const T* find() const noexcept {
    const detail::TaskContext* const binding =
        detail::TaskContext::find(detail::TaskContext::current(), key_);
    // SAFETY: a value bound to this key is a T.
    return binding != nullptr ? static_cast<const T*>(binding->value()) : nullptr;
  }
  [[nodiscard]] const T& operator*() const { return get(); }
  [[nodiscard]] const T* operator->() const { return &get(); }

  /// Runs `body`, an awaitable or a callable that returns one, with `value` bound, and returns its
  /// result. An outer binding is visible again afterwards. Cancel: cancels the body.
  template <class Body>
  [[nodiscard]] auto with(T value, Body body) const -> Task<SpawnResult<Body>> {
    return run_with<Body>(key_, std::move(value), std::move(body));
  }
  /// Calls the plain function `function()` with `value` bound, and returns its result. In a fiber
  /// it may await. May be called outside of a runtime.
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
  // Copies the key, so that the TaskLocal may be destroyed.
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

}  // namespace weft::inline v0_1
