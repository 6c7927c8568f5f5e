// Future: something that is polled until it is ready. The poll protocol, without coroutines.
//
//   class Countdown {                                    // a future, written by hand
//    public:
//     weft::Poll<int> poll(weft::Context& cx) {
//       if (left_-- == 0) return 42;
//       cx.waker().wake_by_ref();                        // poll me again
//       return weft::Pending();
//     }
//   …
//   int answer = co_await Countdown(3);                  // and awaited like anything else
//
// The rules. The one who polls:
//  1. polls from one thread at a time, and not again after it was ready or has thrown;
//  2. does not move a future that has been polled: what it has started may point into it;
//  3. destroys one that is not ready to say that nobody wants it any more: that is its cancel.
// The future:
//  4. does not block, and gives pending only if the waker of the *latest* poll, or a copy of it,
//     will be woken when there is progress (or nothing ever will be);
//  5. bears being polled although it has not woken anybody;
//  6. lets its failure out of poll() as an exception.
#pragma once

#include <weft/poll.hpp>
#include <weft/waker.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace weft {

/// What a future is polled with. It and its waker are good until poll() returns.
class Context {
 public:
  explicit Context(const Waker& waker) noexcept : waker_(waker) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const Waker& waker() const noexcept { return waker_; }

 private:
  const Waker& waker_;
};

/// A type with `poll(Context&)` that gives a Poll<T>. Also true of references to one.
template <class F>
concept Future = requires(std::remove_reference_t<F>& future, Context& cx) {
  future.poll(cx);
} && is_poll<decltype(std::declval<std::remove_reference_t<F>&>().poll(std::declval<Context&>()))>;

/// The T of the Poll<T> that polling F gives.
template <Future F>
using FutureResult = typename decltype(std::declval<std::remove_reference_t<F>&>().poll(
    std::declval<Context&>()))::value_type;

/// A future that does not say by itself how it is awaited, so that weft's way is taken.
template <class F>
concept PlainFuture =
    Future<F> && !requires(F&& future) { static_cast<F&&>(future).operator co_await(); } &&
    !requires(F&& future) { operator co_await(static_cast<F&&>(future)); } &&
    !requires(std::remove_reference_t<F>& future) { future.await_ready(); };

}  // namespace weft
