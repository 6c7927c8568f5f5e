// Stream: whatever gives items one after the other, each to be waited for. What it takes to be one,
// and how a pipe is built. The operators are in <weft/streams.hpp>.
//
//   while (auto item = co_await stream.next()) use(*item);      // in a fiber: weft::await(…)
//
// That is the loop over a stream; C++ has no `for co_await`. In g++ 12 too it is compiled right, as
// the condition declares a variable (decision 002).
#pragma once

#include <weft/extend/awaitable.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace weft {

/// Its next() gives something to await, whose result is empty at the end, and refers to the item
/// before: as std::optional does, a pointer, or OptionalRef. AsyncGenerator is one, and so is
/// everything with a member next() of that kind. Next is called by one at a time, and not after it
/// has given nothing.
template <class S>
concept Stream = std::move_constructible<S> && requires(S& stream) {
  { stream.next() } -> Awaitable;
  requires requires(std::remove_cvref_t<AwaitResult<decltype(stream.next())>>& item) {
    static_cast<bool>(item);
    *item;
  };
};

/// What awaiting its next() gives.
template <Stream S>
using StreamItem = std::remove_cvref_t<AwaitResult<decltype(std::declval<S&>().next())>>;
/// What an item gives when it is taken out: T&& or T&.
template <Stream S>
using StreamElement = decltype(*std::declval<StreamItem<S>>());
/// What it is a stream of: an object type or an lvalue reference.
template <Stream S>
using StreamValue = std::conditional_t<std::is_lvalue_reference_v<StreamElement<S>>,
                                       StreamElement<S>, std::remove_cvref_t<StreamElement<S>>>;

namespace streams {

namespace detail {

/// What a function of an operator gives in the end: it may give a value, or something to await.
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
/// Whether what it gives is to be awaited.
template <class F, class... Args>
inline constexpr bool gives_awaitable =
    detail::SettledResult<std::invoke_result_t<F&, Args...>>::awaited;

/// The right side of a `|`: what makes of a stream another, or a Task that consumes it.
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

/// `stream | operator`. The stream moves into what comes out.
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
/// A stream of the next items of `stream`, which stays with its owner and must outlive it.
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
/// A stream whose next() is `function()`, which gives something to await, as next() would: so of a
/// channel, by `from_next([&] { return receiver.receive(); })`. A cancel of the wait is that of
/// what the function gives: if that takes nothing then, the stream may be used on.
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
/// The same for `function(state)`, with a state that the stream keeps for it and that it may
/// change.
template <class State, class F>
  requires Stream<Unfold<State, F>>
Unfold<State, F> unfold(State state, F function) {
  return Unfold<State, F>(std::move(state), std::move(function));
}

}  // namespace streams
}  // namespace weft
