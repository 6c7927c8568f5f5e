// The Awaitable concept, and get_awaiter(), through which coroutines and fibers find an awaiter.
// There are three kinds of awaitables:
//
//  1. weft's own awaiters, whose await_suspend() takes the handle of a WeftPromise: they know the
//     task that waits, resume it through its executor, and can be cancelled;
//  2. futures (<weft/future.hpp>), which are polled;
//  3. foreign awaitables, made for any coroutine: they take a std::coroutine_handle<> and may
//     resume it on any thread. They get a handle that only makes the task runnable again: see
//     <weft/detail/foreign_awaiter.hpp>.
#pragma once

#include <weft/future.hpp>

#include <concepts>
#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
template <class F>
class FutureAwaiter;  // <weft/detail/future_awaiter.hpp>
template <class A>
class ForeignAwaiter;  // <weft/detail/foreign_awaiter.hpp>

/// Awaits an awaiter where it is. g++ 12 would await a copy of an awaiter that await_transform()
/// returns by reference (docs/decisions/002-gxx12-coroutine-rules.md).
template <class W>
class AwaiterReference {
 public:
  explicit AwaiterReference(W& awaiter) noexcept : awaiter_(awaiter) {}
  [[nodiscard]] decltype(auto) await_ready() { return awaiter_.await_ready(); }
  template <class P>
  decltype(auto) await_suspend(std::coroutine_handle<P> waiting) {
    return awaiter_.await_suspend(waiting);
  }
  decltype(auto) await_resume() { return awaiter_.await_resume(); }

 private:
  W& awaiter_;
};
}  // namespace detail

/// The awaiter of an awaitable: what its operator co_await returns, or itself.
template <class A>
decltype(auto) own_awaiter(A&& awaitable) {
  if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
    return std::forward<A>(awaitable).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); }) {
    return operator co_await(std::forward<A>(awaitable));
  } else {
    return std::forward<A>(awaitable);
  }
}

/// An awaitable for any coroutine handle, not only for weft's.
template <class A>
concept ForeignAwaitable = requires(A&& awaitable, std::coroutine_handle<> any) {
  own_awaiter(std::forward<A>(awaitable)).await_suspend(any);
  own_awaiter(std::forward<A>(awaitable)).await_resume();
};

/// The awaiter that `co_await awaitable` uses in a weft coroutine, and weft::await() in a fiber.
template <class A>
decltype(auto) get_awaiter(A&& awaitable) {
  if constexpr (PlainFuture<A>) {
    return detail::FutureAwaiter<A>(std::forward<A>(awaitable));
  } else if constexpr (ForeignAwaitable<A>) {
    return detail::ForeignAwaiter<A>(std::forward<A>(awaitable));
  } else {
    return own_awaiter(std::forward<A>(awaitable));
  }
}

/// The type of `co_await std::declval<A>()`.
template <class A>
using AwaitResult = decltype(get_awaiter(std::declval<A>()).await_resume());

template <class A>
concept Awaitable = requires(A&& awaitable) {
  { get_awaiter(std::forward<A>(awaitable)).await_ready() } -> std::convertible_to<bool>;
};

namespace detail {

/// An awaitable that is its own awaiter, or gives a reference to it.
template <class A>
concept AwaitedInPlace =
    std::is_reference_v<decltype(own_awaiter(std::declval<A>()))> &&
    requires(A&& awaitable) { own_awaiter(std::forward<A>(awaitable)).await_ready(); };

/// What await_transform() gives for an awaitable of weft's own.
template <class A>
decltype(auto) in_place(A&& awaitable) {
  if constexpr (AwaitedInPlace<A>) {
    auto&& awaiter = own_awaiter(std::forward<A>(awaitable));
    return AwaiterReference<std::remove_reference_t<decltype(awaiter)>>(awaiter);
  } else {
    return std::forward<A>(awaitable);
  }
}

}  // namespace detail

/// The place of a co_await, as a default argument captures it. A pointer where the compiler has the
/// builtin: g++ 12 keeps each temporary of a co_await in the frame, once for each co_await.
#if __has_builtin(__builtin_source_location)
using AwaitSite = const void*;
[[nodiscard]] constexpr AwaitSite await_site(
    AwaitSite here = __builtin_source_location()) noexcept {
  return here;
}
#else
using AwaitSite = std::source_location;
[[nodiscard]] constexpr AwaitSite await_site(
    AwaitSite here = std::source_location::current()) noexcept {
  return here;
}
#endif
static_assert(sizeof(AwaitSite) == sizeof(std::source_location));

}  // namespace weft::inline v0_1
