// Stream: anything that delivers items one after the other, each awaited. The requirements, and the
// pipe operator. The operators are in <weft/streams.hpp>.
//
//   while (auto item = co_await stream.next()) use(*item);      // in a fiber: weft::await(…)
//
// This is the loop over a stream; C++ has no `for co_await`. g++ 12 compiles it correctly, too, as
// the condition declares a variable (decision 002).
#pragma once

#include <weft/extend/awaitable.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// A type whose next() returns an awaitable. The result of that is empty at the end, and refers to
/// an item before: a std::optional, a pointer, or an OptionalRef. AsyncGenerator is a Stream, and
/// so is every type with such a member next(). One task at a time calls next(), and not after it
/// returned nothing.
template <class S>
concept Stream = std::move_constructible<S> && requires(S& stream) {
  { stream.next() } -> Awaitable;
  requires requires(std::remove_cvref_t<AwaitResult<decltype(stream.next())>>& item) {
    static_cast<bool>(item);
    *item;
  };
};

/// The result of awaiting next().
template <Stream S>
using StreamItem = std::remove_cvref_t<AwaitResult<decltype(std::declval<S&>().next())>>;
/// The type of a dereferenced item: T&& or T&.
template <Stream S>
using StreamElement = decltype(*std::declval<StreamItem<S>>());
/// The items' type: an object type or an lvalue reference.
template <Stream S>
using StreamValue = std::conditional_t<std::is_lvalue_reference_v<StreamElement<S>>,
                                       StreamElement<S>, std::remove_cvref_t<StreamElement<S>>>;

namespace streams {

namespace detail {

/// The final result of an operator's function, which may return a value or an awaitable.
template <class R>
struct SettledResult {
  static constexpr bool awaited = false;
  using type = R;
};
template <Awaitable R>
struct SettledResult<R> {
  static constexpr bool awaited = true;
  using type = AwaitResult<R>;
};

}  // namespace detail
template <class F, class... Args>
using Settled = typename detail::SettledResult<std::invoke_result_t<F&, Args...>>::type;
/// Whether the function's result is awaited.
template <class F, class... Args>
inline constexpr bool gives_awaitable =
    detail::SettledResult<std::invoke_result_t<F&, Args...>>::awaited;

/// The right side of a `|`: turns a stream into another stream, or into a Task that consumes it.
template <class Make>
class [[nodiscard]] Pipe {
 public:
  explicit Pipe(Make make) : make_(std::move(make)) {}
  template <Stream S>
  auto operator()(S stream) && {
    return std::invoke(std::move(make_), std::move(stream));
  }

 private:
  Make make_;
};

template <class S>
inline constexpr void check_taken_over() noexcept {
  static_assert(!std::is_lvalue_reference_v<S>,
                "weft: a stream is taken over by what uses it: std::move(stream); or only lent to "
                "it: weft::streams::borrow(stream)");
}

/// `stream | operator`. The stream moves into the result.
template <class S, class Make>
  requires Stream<std::remove_cvref_t<S>>
auto operator|(S&& stream, Pipe<Make> pipe) {
  check_taken_over<S>();
  return std::move(pipe)(std::move(stream));
}

/// See borrow().
template <Stream S>
class Borrowed {
 public:
  explicit Borrowed(S& stream) noexcept : stream_(&stream) {}
  [[nodiscard]] auto next() { return stream_->next(); }

 private:
  S* stream_;
};
/// Returns a stream of the next items of `stream`, which must outlive it and is not moved.
template <Stream S>
[[nodiscard]] Borrowed<S> borrow(S& stream) noexcept {
  return Borrowed<S>(stream);
}

/// See from_next().
template <class F>
class [[nodiscard]] FromNext {
 public:
  explicit FromNext(F function) : function_(std::move(function)) {}
  [[nodiscard]] auto next() { return std::invoke(function_); }

 private:
  F function_;
};
/// Returns a stream whose next() is `function()`, which returns an awaitable as next() would; for a
/// channel `from_next([&] { return receiver.receive(); })`. A cancel of the wait is a cancel of
/// that awaitable: if it takes nothing then, the stream stays usable.
template <class F>
  requires Stream<FromNext<F>>
FromNext<F> from_next(F function) {
  return FromNext<F>(std::move(function));
}

/// See unfold().
template <class State, class F>
class [[nodiscard]] Unfold {
 public:
  Unfold(State state, F function) : state_(std::move(state)), function_(std::move(function)) {}
  [[nodiscard]] auto next() { return std::invoke(function_, state_); }

 private:
  State state_;
  F function_;
};
/// Does the same for `function(state)`, with a state that the stream keeps and the function may
/// modify.
template <class State, class F>
  requires Stream<Unfold<State, F>>
Unfold<State, F> unfold(State state, F function) {
  return Unfold<State, F>(std::move(state), std::move(function));
}

}  // namespace streams
}  // namespace weft::inline v0_1
