// weft::futures: futures made of callables and of other futures. Each takes the futures that it is
// made of by value, before their first poll, and is itself a future: movable until it is polled.
// join, try_join and race are in <weft/join.hpp> and <weft/join.hpp>.
//
// Cancel of any of them, that is their destruction: destroys the futures that they hold.
#pragma once

#include <weft/detail/late_future.hpp>
#include <weft/future.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::futures {

/// See poll_fn().
template <class F>
class [[nodiscard]] PollFn {
 public:
  explicit PollFn(F callable) noexcept(std::is_nothrow_move_constructible_v<F>)
      : callable_(std::move(callable)) {}
  std::invoke_result_t<F&, Context&> poll(Context& cx) { return std::invoke(callable_, cx); }

 private:
  F callable_;
};

/// A future whose poll(cx) is `callable(cx)`, which gives a Poll<T>.
template <class F>
  requires is_poll<std::invoke_result_t<F&, Context&>>
PollFn<F> poll_fn(F callable) noexcept(std::is_nothrow_move_constructible_v<F>) {
  return PollFn<F>(std::move(callable));
}

/// See ready().
template <class T>
class [[nodiscard]] Ready {
 public:
  explicit Ready(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}
  Poll<T> poll(Context&) { return Poll<T>::ready(std::move(value_)); }

 private:
  T value_;
};
template <>
class [[nodiscard]] Ready<void> {
 public:
  Poll<void> poll(Context&) const noexcept { return Poll<void>::ready(); }
};

/// A future that is ready at its first poll.
template <class T>
Ready<T> ready(T value) noexcept(std::is_nothrow_move_constructible_v<T>) {
  return Ready<T>(std::move(value));
}
inline Ready<void> ready() noexcept { return Ready<void>(); }

/// See lazy().
template <class Make>
class [[nodiscard]] Lazy {
  using Made = std::invoke_result_t<Make&>;

 public:
  explicit Lazy(Make make) noexcept(std::is_nothrow_move_constructible_v<Make>)
      : make_(std::move(make)) {}
  Poll<FutureResult<Made>> poll(Context& cx) {
    if (!future_.made()) future_.make(make_);
    return (*future_).poll(cx);
  }

 private:
  Make make_;
  weft::detail::LateFuture<Made> future_;
};

/// A future that calls `make()` at its first poll and is from then on the future that this gave:
/// how one that cannot be moved gets into a combinator.
template <class Make>
  requires Future<std::invoke_result_t<Make&>>
Lazy<Make> lazy(Make make) noexcept(std::is_nothrow_move_constructible_v<Make>) {
  return Lazy<Make>(std::move(make));
}

namespace detail {

/// What `F` gives when it is called with the result of a future: nothing, for void.
template <class F, class T>
struct CallResult : std::invoke_result<F&, T> {};
template <class F>
struct CallResult<F, void> : std::invoke_result<F&> {};

}  // namespace detail

/// See map().
template <Future F, class Fn>
class [[nodiscard]] Map {
  using Input = FutureResult<F>;
  using Value = typename detail::CallResult<Fn, Input>::type;

 public:
  Map(F future, Fn function) : future_(std::move(future)), function_(std::move(function)) {}

  Poll<Value> poll(Context& cx) {
    Poll<Input> input = future_.poll(cx);
    if (input.is_pending()) return Pending();
    if constexpr (std::is_void_v<Value>) {
      call(input);
      return Poll<void>::ready();
    } else {
      return Poll<Value>::ready(call(input));
    }
  }

 private:
  Value call(Poll<Input>& input) {
    if constexpr (std::is_void_v<Input>) {
      return std::invoke(function_);
    } else {
      return std::invoke(function_, input.take());
    }
  }

  F future_;
  Fn function_;
};

/// A future of `function(value)`, where `value` is what `future` gives. A failure of the one passes
/// by the other.
template <Future F, class Fn>
Map<F, Fn> map(F future, Fn function) {
  return Map<F, Fn>(std::move(future), std::move(function));
}

/// See then().
template <Future F, class Fn>
class [[nodiscard]] Then {
  using Input = FutureResult<F>;
  using Next = typename detail::CallResult<Fn, Input>::type;

 public:
  Then(F future, Fn function) : first_(std::move(future)), function_(std::move(function)) {}

  Poll<FutureResult<Next>> poll(Context& cx) {
    if (!next_.made()) {
      Poll<Input> input = first_->poll(cx);
      if (input.is_pending()) return Pending();
      first_.reset();  // what it held is let go before the next begins
      if constexpr (std::is_void_v<Input>) {
        next_.make(function_);
      } else {
        next_.make(function_, input.take());
      }
    }
    return (*next_).poll(cx);
  }

 private:
  std::optional<F> first_;
  Fn function_;
  weft::detail::LateFuture<Next> next_;
};

/// A future that, when `future` is ready, goes on as the future that `function(value)` gives.
template <Future F, class Fn>
  requires Future<typename detail::CallResult<Fn, FutureResult<F>>::type>
Then<F, Fn> then(F future, Fn function) {
  return Then<F, Fn>(std::move(future), std::move(function));
}

}  // namespace weft::futures
