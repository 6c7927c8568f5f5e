// Future: a value that is polled until it is ready. The poll protocol, without coroutines.
//
//   class Countdown {                                    // a future, written by hand
//    public:
//     weft::Poll<int> poll(weft::Context& cx) {
//       if (left_-- == 0) return 42;
//       cx.waker().wake_by_ref();                        // poll me again
//       return weft::Pending();
//     }
//
//    private:
//     int left_ = 3;
//   };
//   int answer = co_await Countdown();                   // awaited like any other awaitable
//
// The rules. The poller:
//  1. polls from one thread at a time, and not again after the future was ready or has thrown;
//  2. does not move a future that has been polled: what it started may point into it;
//  3. destroys a future that is not ready to cancel it.
// The future:
//  4. does not block, and returns pending only if the waker of the *latest* poll, or a copy of it,
//     will be woken when there is progress (or there never will be any);
//  5. tolerates polls without a wake before them;
//  6. reports its failure by an exception out of poll().
#pragma once

#include <weft/outcome.hpp>
#include <weft/waker.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// `return weft::Pending();`: not ready; the registered waker will be woken when to poll again.
struct Pending {};

/// Reports on stderr which rule of the poll protocol the calling code has broken, and aborts, in
/// every build.
[[noreturn, gnu::cold, gnu::noinline]] void poll_rule_broken(const char* rule) noexcept;

/// The result of a poll: a T, or pending. T is an object type, a reference or void. As thread-safe
/// as T.
template <class T>
class [[nodiscard]] Poll {
  using Stored = std::conditional_t<std::is_reference_v<T>,
                                    std::add_pointer_t<std::remove_reference_t<T>>, ValueOf<T>>;

 public:
  using value_type = T;

  Poll(Pending = {}) noexcept {}
  /// Ready, with a value that converts to T: `return 42;`.
  template <class U>
    requires(!std::is_void_v<T> && !std::is_reference_v<T> &&
             !std::same_as<std::remove_cvref_t<U>, Poll> &&
             !std::same_as<std::remove_cvref_t<U>, Pending> && std::convertible_to<U &&, T>)
  Poll(U&& value) : value_(std::in_place, std::forward<U>(value)) {}

  /// Returns a ready Poll; the only way to make one for references and void.
  static Poll ready()
    requires std::is_void_v<T>
  {
    return Poll(std::in_place, Unit{});
  }
  template <class U>
    requires std::is_reference_v<T>
  static Poll ready(U&& object) noexcept {
    T bound = static_cast<U&&>(object);
    return Poll(std::in_place, std::addressof(bound));
  }
  template <class... Args>
    requires(std::is_object_v<T> && std::constructible_from<T, Args...>)
  static Poll ready(Args&&... args) {
    return Poll(std::in_place, std::forward<Args>(args)...);
  }

  Poll(const Poll&) = default;
  Poll(Poll&&) = default;
  ~Poll() = default;
  /// Constructs the value anew: T need not be assignable.
  Poll& operator=(Poll&& other) noexcept(std::is_nothrow_move_constructible_v<Stored>) {
    if (this == &other) return *this;
    value_.reset();
    if (other.value_.has_value()) value_.emplace(std::move(*other.value_));
    return *this;
  }

  [[nodiscard]] bool is_ready() const noexcept { return value_.has_value(); }
  [[nodiscard]] bool is_pending() const noexcept { return !value_.has_value(); }

  /// Returns the value in place. Precondition as for take().
  [[nodiscard]] std::add_lvalue_reference_t<T> value()
    requires(!std::is_void_v<T>)
  {
    require_ready();
    if constexpr (std::is_reference_v<T>) {
      return **value_;
    } else {
      return *value_;
    }
  }
  /// Moves the value out, once. Precondition, checked in every build: it is ready.
  T take() {
    require_ready();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(**value_);
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(*value_);
    }
  }
  /// Does the same as take(), with Unit for void: for code that collects values.
  ValueOf<T> take_value() {
    if constexpr (std::is_void_v<T>) {
      take();
      return Unit{};
    } else {
      return take();
    }
  }

 private:
  template <class... Args>
  explicit Poll(std::in_place_t, Args&&... args)
      : value_(std::in_place, std::forward<Args>(args)...) {}

  void require_ready() const noexcept {
    if (!value_.has_value()) poll_rule_broken("a value was taken from a Poll that is pending");
  }

  std::optional<Stored> value_;
};

template <class P>
inline constexpr bool is_poll = false;
template <class T>
inline constexpr bool is_poll<Poll<T>> = true;

/// The argument of poll(). It and its waker are valid until poll() returns.
class Context {
 public:
  explicit Context(const Waker& waker) noexcept : waker_(waker) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const Waker& waker() const noexcept { return waker_; }

 private:
  const Waker& waker_;
};

/// A type with a `poll(Context&)` that returns a Poll<T>, or a reference to such a type.
template <class F>
concept Future = requires(std::remove_reference_t<F>& future, Context& cx) {
  future.poll(cx);
} && is_poll<decltype(std::declval<std::remove_reference_t<F>&>().poll(std::declval<Context&>()))>;

/// The T of the Poll<T> that F's poll() returns.
template <Future F>
using FutureResult = typename decltype(std::declval<std::remove_reference_t<F>&>().poll(
    std::declval<Context&>()))::value_type;

/// A future without an operator co_await() or await_ready() of its own; weft defines how it is
/// awaited.
template <class F>
concept PlainFuture =
    Future<F> && !requires(F&& future) { static_cast<F&&>(future).operator co_await(); } &&
    !requires(F&& future) { operator co_await(static_cast<F&&>(future)); } &&
    !requires(std::remove_reference_t<F>& future) { future.await_ready(); };

}  // namespace weft::inline v0_1
