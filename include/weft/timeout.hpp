// timeout(): a limit on the wait for one awaitable.
//
//   std::size_t size = co_await weft::timeout(stream.read(buffer), 5s);
#pragma once

#include <weft/extend/awaitable.hpp>
#include <weft/result.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <cstdint>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

template <class R>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

/// The binding of timeout(): a deadline that is not passed on to what is awaited. Compare
/// DeadlineBinding.
class NotInherited {
 public:
  explicit NotInherited(std::int64_t) noexcept {}
};

/// The common body of timeout() and with_deadline(). `Binding` decides whether the awaited code
/// sees the deadline. `what` names it in the IoError of a timeout.
template <class Binding, class T>
Task<T> run_with_deadline(Task<T> child, TimePoint deadline, const char* what) {
  [[maybe_unused]] Binding binding(deadline.time_since_epoch().count());
  if constexpr (!std::is_same_v<Binding, NotInherited>) {
    co_await binding.enter();
    // An earlier inherited deadline cancels this task in time.
    if (!binding.is_nearest()) co_return co_await std::move(child);
  }
  Selection<T, void> first = co_await select(std::move(child), sleep_until(deadline));
  if constexpr (is_result<T>) {
    if (!first.template has<0>()) co_return fail(std::errc::timed_out);
  } else {
    if (!first.template has<0>()) {
      throw IoError(std::make_error_code(std::errc::timed_out), what);
    }
  }
  if constexpr (std::is_void_v<T>) {
    first.template take<0>();
  } else {
    co_return first.template take<0>();
  }
}

}  // namespace detail

/// An awaitable with a deadline; see timeout().
template <Awaitable A>
class [[nodiscard]] Timeout {
 public:
  Timeout(A awaitable, TimePoint deadline) noexcept(std::is_nothrow_move_constructible_v<A>)
      : awaitable_(std::move(awaitable)), deadline_(deadline) {}

  auto operator co_await() && {
    return detail::run_with_deadline<detail::NotInherited>(as_task(std::move(awaitable_)),
                                                           deadline_, "timeout")
        .operator co_await();
  }
  /// Returns the same wait, with the awaitable's own attempt(): its value is Result<T>,
  /// fail(errc::timed_out) after the deadline.
  auto attempt() &&
    requires requires(A&& a) { std::move(a).attempt(); }
  {
    using Inner = decltype(std::move(awaitable_).attempt());
    return Timeout<Inner>(std::move(awaitable_).attempt(), deadline_);
  }

 private:
  A awaitable_;
  TimePoint deadline_;
};

/// Awaits `awaitable` for at most `duration`, counted from this call. After that the awaitable is
/// cancelled and its end awaited. If it got its result in spite of the cancel, that is returned.
/// Otherwise throws IoError (errc::timed_out); for an awaitable whose value is a Result, returns
/// fail(errc::timed_out). The awaited code cannot see this deadline; use with_deadline(), in
/// <weft/deadline.hpp>, for that. Cancel: cancels the awaitable.
template <Awaitable A>
[[nodiscard]] Timeout<A> timeout(A awaitable, Duration duration) noexcept(
    std::is_nothrow_move_constructible_v<A>) {
  return Timeout<A>(std::move(awaitable), deadline_after(duration));
}
/// Does the same with the limit at a point in time.
template <Awaitable A>
[[nodiscard]] Timeout<A> timeout_at(A awaitable, TimePoint deadline) noexcept(
    std::is_nothrow_move_constructible_v<A>) {
  return Timeout<A>(std::move(awaitable), deadline);
}

}  // namespace weft::inline v0_1
