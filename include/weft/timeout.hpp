// timeout(): a limit on the wait for one awaitable.
//
//   std::size_t size = co_await weft::timeout(stream.read(buffer), 5s);
//   Page page = co_await weft::timeout(fetch(url), 5s, "fetch " + url);     // named in the error
#pragma once

#include <weft/extend/awaitable.hpp>
#include <weft/result.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

template <class R>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;
template <class R>
inline constexpr bool is_io_result = false;
template <class T>
inline constexpr bool is_io_result<IoResult<T>> = true;

/// The binding of timeout(): a deadline that is not passed on to what is awaited. Compare
/// DeadlineBinding.
class NotInherited {
 public:
  explicit NotInherited(std::int64_t) noexcept {}
};

/// What a caller says that it waits for. A pointer, since mostly nothing is said.
using WaitSubject = std::unique_ptr<const std::string>;

[[nodiscard]] inline WaitSubject wait_subject(std::string what) {
  return std::make_unique<const std::string>(std::move(what));
}

/// The common body of timeout() and with_deadline(). `Binding` decides whether the awaited code
/// sees the deadline.
template <class Binding, class T>
Task<T> run_with_deadline(Task<T> child, TimePoint deadline, WaitSubject subject) {
  constexpr bool inherited = !std::is_same_v<Binding, NotInherited>;
  [[maybe_unused]] Binding binding(deadline.time_since_epoch().count());
  if constexpr (inherited) {
    co_await binding.enter();
    // An earlier inherited deadline cancels this task in time.
    if (!binding.is_nearest()) co_return co_await std::move(child);
  }
  Selection<T, void> first = co_await select(std::move(child), sleep_until(deadline));
  if (!first.template has<0>()) {
    const std::error_code late = make_error_code(IoErrc::timed_out);
    if constexpr (is_result<T>) {
      co_return std::unexpected<std::error_code>(late);
    } else {
      IoError error(late, inherited ? "deadline" : "timeout",
                    subject != nullptr ? std::string_view(*subject) : std::string_view());
      if constexpr (is_io_result<T>) {
        co_return std::unexpected<IoError>(std::move(error));
      } else {
        throw error;
      }
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
  Timeout(A awaitable, TimePoint deadline,
          detail::WaitSubject subject = nullptr) noexcept(std::is_nothrow_move_constructible_v<A>)
      : awaitable_(std::move(awaitable)), deadline_(deadline), subject_(std::move(subject)) {}

  auto operator co_await() && {
    return detail::run_with_deadline<detail::NotInherited>(as_task(std::move(awaitable_)),
                                                           deadline_, std::move(subject_))
        .operator co_await();
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;
  /// Returns the same wait, with the awaitable as by attempt(): its value is IoResult<T>, after the
  /// deadline with errc::timed_out.
  auto attempt() && {
    using Inner = decltype(weft::attempt(std::move(awaitable_)));
    return Timeout<Inner>(weft::attempt(std::move(awaitable_)), deadline_, std::move(subject_));
  }

 private:
  A awaitable_;
  TimePoint deadline_;
  detail::WaitSubject subject_;
};

/// Awaits `awaitable` for at most `duration`, counted from this call. After that the awaitable is
/// cancelled and its end awaited. If it got its result in spite of the cancel, that is returned.
/// Otherwise throws IoError (errc::timed_out); for an awaitable whose value is an IoResult or a
/// Result, returns the error as that. The awaited code cannot see this deadline; use
/// with_deadline(), in <weft/deadline.hpp>, for that. Cancel: cancels the awaitable.
template <Awaitable A>
[[nodiscard]] Timeout<A> timeout(A awaitable, Duration duration) noexcept(
    std::is_nothrow_move_constructible_v<A>) {
  return Timeout<A>(std::move(awaitable), deadline_after(duration));
}
/// Does the same; `what` says in the error what was waited for: "timeout load a.toml: time limit
/// exceeded". Throws std::bad_alloc.
template <Awaitable A>
[[nodiscard]] Timeout<A> timeout(A awaitable, Duration duration, std::string what) {
  return Timeout<A>(std::move(awaitable), deadline_after(duration),
                    detail::wait_subject(std::move(what)));
}
/// Do the same with the limit at a point in time.
template <Awaitable A>
[[nodiscard]] Timeout<A> timeout_at(A awaitable, TimePoint deadline) noexcept(
    std::is_nothrow_move_constructible_v<A>) {
  return Timeout<A>(std::move(awaitable), deadline);
}
template <Awaitable A>
[[nodiscard]] Timeout<A> timeout_at(A awaitable, TimePoint deadline, std::string what) {
  return Timeout<A>(std::move(awaitable), deadline, detail::wait_subject(std::move(what)));
}

}  // namespace weft::inline v0_1
