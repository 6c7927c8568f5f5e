// Attempt<A>: an awaitable whose IoError is a value: the implementation of attempt() in
// <weft/task.hpp>.
#pragma once

#include <weft/detail/misuse.hpp>
#include <weft/extend/awaitable.hpp>
#include <weft/outcome.hpp>
#include <weft/result.hpp>

#include <coroutine>
#include <expected>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

template <class A>
class AttemptAwaiter {
  using Inner = decltype(get_awaiter(std::declval<A>()));
  using Value = decltype(std::declval<Inner&>().await_resume());
  using Given = std::conditional_t<std::is_void_v<Value>, void, ObjectOf<std::remove_cv_t<Value>>>;

 public:
  explicit AttemptAwaiter(A&& awaitable)
      : awaitable_(std::move(awaitable)), inner_(get_awaiter(std::move(awaitable_))) {}
  AttemptAwaiter(const AttemptAwaiter&) = delete;
  AttemptAwaiter& operator=(const AttemptAwaiter&) = delete;

  [[nodiscard]] bool await_ready() { return static_cast<bool>(inner_.await_ready()); }
  template <class Handle>
  auto await_suspend(Handle innermost)
    requires requires(Inner& inner, Handle handle) {
      inner.await_suspend(handle);
      handle.promise();
    }
  {
    return inner_.await_suspend(innermost);
  }
  IoResult<Given> await_resume() {
    try {
      if constexpr (std::is_void_v<Value>) {
        inner_.await_resume();
        return {};
      } else {
        return IoResult<Given>(std::in_place, inner_.await_resume());
      }
    } catch (const IoError& error) {
      return std::unexpected<IoError>(error);
    }
  }

 private:
  A awaitable_;
  Inner inner_;
};

template <class A>
class [[nodiscard]] Attempt {
 public:
  explicit Attempt(A awaitable) noexcept(std::is_nothrow_move_constructible_v<A>)
      : awaitable_(std::move(awaitable)) {}
  AttemptAwaiter<A> operator co_await() && { return AttemptAwaiter<A>(std::move(awaitable_)); }
  AwaitItWithStdMove operator co_await() const& = delete;

 private:
  A awaitable_;
};

}  // namespace weft::inline v0_1::detail
