// weft::futures: futures made from callables and from other futures. Each takes other futures by
// value, before their first poll, and is a future itself: movable until it is polled. join,
// try_join and race are in <weft/join.hpp>.
//
//   namespace futures = weft::futures;
//   auto size = co_await futures::map(read_line(), [](std::string s) { return s.size(); });
//
// Cancel, which is destruction: destroys the futures that it holds.
#pragma once

#include <weft/detail/late_future.hpp>
#include <weft/future.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::futures {

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

/// Returns a future whose poll(cx) is `callable(cx)`, which returns a Poll<T>.
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

/// Returns a future that is ready at its first poll.
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

/// Returns a future that calls `make()` at its first poll and from then on is the future that this
/// returned. With it a future that cannot be moved can be passed to a combinator.
template <class Make>
  requires Future<std::invoke_result_t<Make&>>
Lazy<Make> lazy(Make make) noexcept(std::is_nothrow_move_constructible_v<Make>) {
  return Lazy<Make>(std::move(make));
}

namespace detail {

/// The result of `F` for the result of a future, which is no argument if it is void.
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

/// Returns a future of `function(value)`, where `value` is the result of `future`. If `future`
/// fails, the function is not called and the failure is passed on.
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
      first_.reset();  // released before the next future begins
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

/// Returns a future that, when `future` is ready, continues as the future that `function(value)`
/// returns.
template <Future F, class Fn>
  requires Future<typename detail::CallResult<Fn, FutureResult<F>>::type>
Then<F, Fn> then(F future, Fn function) {
  return Then<F, Fn>(std::move(future), std::move(function));
}

}  // namespace weft::inline v0_1::futures
