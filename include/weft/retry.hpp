// retry(): awaits again what has failed, with longer and longer pauses. RetryPolicy says how often,
// how long, and after which errors. Backoff: the pauses alone, for loops of one's own.
//
//   auto policy = weft::RetryPolicy().attempts(5).pauses(100ms, 2s);
//   Page page = co_await weft::retry(policy, [&] { return client.get(url); });
//
// With a limit for each attempt, and one for all of them:
//
//   auto each = [&] { return weft::timeout(client.get(url), 3s); };
//   Page page = co_await weft::timeout(weft::retry(policy, each), 10s);
//
// The function is called for each attempt, as an awaitable can be awaited once. It may take the
// number of the attempt, counted from 1. Its errors are exceptions; or values, if what it gives is
// an IoResult or a Result. Pauses use the clock of the runtime, virtual or not.
#pragma once

#include <weft/extend/awaitable.hpp>
#include <weft/result.hpp>
#include <weft/sleep.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <functional>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// The random part of a pause: clients that failed together must not come back together. `pause` is
/// first, 2 · first, 4 · first … (with a factor of 2), at most the longest one. (Compared by Marc
/// Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
enum class Jitter : std::uint8_t {
  none,          ///< pause
  full,          ///< from 0 to pause
  equal,         ///< from pause / 2 to pause
  decorrelated,  ///< from first to three times the pause before, at most the longest
};

/// Pauses that become longer. A value; not thread-safe.
class Backoff {
 public:
  /// Throws std::invalid_argument if a pause is negative, or if `factor` is less than 1.
  Backoff(Duration first, Duration longest, Jitter jitter = Jitter::full, double factor = 2);
  /// Seeds the random part, which otherwise differs from one object to the next.
  Backoff& seed(std::uint64_t seed) noexcept;

  /// Returns the next pause.
  [[nodiscard]] Nanoseconds next() noexcept;
  /// Begins anew, after a success.
  void reset() noexcept;

 private:
  [[nodiscard]] Nanoseconds between(Nanoseconds least, Nanoseconds most) noexcept;

  Nanoseconds first_;
  Nanoseconds longest_;
  double factor_;
  Jitter jitter_;
  std::uint64_t random_;
  Nanoseconds pause_;  // of the next one, without its random part; decorrelated: the one before
};

/// What a retry is about to do: see RetryPolicy::before_pause().
struct RetryPause {
  RetryPause(std::size_t number, Nanoseconds length, std::exception_ptr why) noexcept
      : attempt(number), pause(length), error(std::move(why)) {}
  std::size_t attempt;       ///< the number of the attempt that has failed, counted from 1
  Nanoseconds pause;         ///< how long it will wait
  std::exception_ptr error;  ///< of that attempt; an IoResult's is given as an IoError
};

/// Returns whether an attempt that failed with this error may succeed later: a connection that was
/// refused, reset or aborted, a timeout, a network or host that is not reachable, a lack of buffers
/// or handles.
[[nodiscard]] bool is_transient(const std::error_code& error) noexcept;

/// How retry() goes about it. A value: setters return *this. Five attempts, pauses from 100 ms to
/// 10 s with full jitter, after transient errors, unless it is told otherwise.
class RetryPolicy {
 public:
  RetryPolicy() noexcept {}

  /// At most `most` attempts, the first included. 0: no limit. 1: no retry.
  RetryPolicy& attempts(std::size_t most) noexcept {
    most_attempts_ = most;
    return *this;
  }
  /// The first pause, and the longest. Throws std::invalid_argument if one is negative.
  RetryPolicy& pauses(Duration first, Duration longest);
  RetryPolicy& jitter(Jitter jitter) noexcept {
    jitter_ = jitter;
    return *this;
  }
  /// How much longer each pause is. Throws std::invalid_argument for less than 1.
  RetryPolicy& factor(double factor);
  /// Begins no pause that would end later than `total` after the call of retry(): the error is
  /// then that of the last attempt. No attempt is interrupted; a timeout() around retry() does
  /// that.
  RetryPolicy& within(Duration total) noexcept {
    total_ = total;
    return *this;
  }
  /// Seeds the random part of the pauses.
  RetryPolicy& seed(std::uint64_t seed) noexcept {
    seed_ = seed;
    return *this;
  }
  /// Retries exactly the exceptions of type E for which `predicate(const E&)` returns true. For an
  /// IoResult or a Result, whose error is given as an IoError, E is IoError or a base of it. Throws
  /// std::bad_alloc.
  template <class E, class P>
    requires std::predicate<P&, const E&>
  RetryPolicy& retry_if(P predicate) {
    return retry_errors_if(
        [wanted = std::move(predicate)](const std::exception_ptr& error) mutable {
          try {
            std::rethrow_exception(error);
          } catch (const E& matching) {
            return static_cast<bool>(std::invoke(wanted, matching));
          } catch (...) {
            return false;
          }
        });
  }
  /// Retries exactly the errors for which `predicate` returns true. Throws std::bad_alloc.
  RetryPolicy& retry_errors_if(std::function<bool(const std::exception_ptr&)> predicate) {
    is_retried_ = std::move(predicate);
    return *this;
  }
  /// Calls `hook` before each pause, to report or to count. What it throws ends the retry. Throws
  /// std::bad_alloc.
  RetryPolicy& before_pause(std::function<void(const RetryPause&)> hook) {
    before_pause_ = std::move(hook);
    return *this;
  }

 private:
  friend class RetryState;

  std::size_t most_attempts_ = 5;
  Nanoseconds first_ = std::chrono::milliseconds(100);
  Nanoseconds longest_ = std::chrono::seconds(10);
  Nanoseconds total_ = Nanoseconds::max();
  double factor_ = 2;
  Jitter jitter_ = Jitter::full;
  std::optional<std::uint64_t> seed_;
  std::function<bool(const std::exception_ptr&)> is_retried_;
  std::function<void(const RetryPause&)> before_pause_;
};

/// The state of one retry(): how many attempts there were, and what comes next. For retry(), and
/// for loops that await in another way.
class RetryState {
 public:
  /// The time counts from here. Throws std::bad_alloc.
  explicit RetryState(const RetryPolicy& policy);

  /// Returns the number of the attempt to make now, counted from 1.
  [[nodiscard]] std::size_t attempt() const noexcept { return attempt_; }
  /// An attempt has failed with `error`. Returns how long to wait before the next one; nothing: the
  /// error is final. Throws what the policy's functions throw.
  [[nodiscard]] std::optional<Nanoseconds> failed(const std::exception_ptr& error);

 private:
  RetryPolicy policy_;
  Backoff backoff_;
  TimePoint end_;
  std::size_t attempt_ = 1;
};

namespace detail {

/// What one call of a retried function gives to await.
template <class F>
decltype(auto) begin_attempt(F& function, std::size_t number) {
  if constexpr (std::is_invocable_v<F&, std::size_t>) {
    return std::invoke(function, number);
  } else {
    static_assert(std::is_invocable_v<F&>,
                  "weft::retry: the function is called without arguments, or with the number of "
                  "the attempt");
    return std::invoke(function);
  }
}
template <class F>
using AttemptResult = AwaitResult<decltype(begin_attempt(std::declval<F&>(), std::size_t{}))>;

/// The error of an IoResult or a Result, as an exception.
[[nodiscard]] inline std::exception_ptr as_exception(const IoError& error) {
  return std::make_exception_ptr(error);
}
[[nodiscard]] inline std::exception_ptr as_exception(std::error_code error) {
  return std::make_exception_ptr(IoError(error, "attempt"));
}

template <class F>
Task<AttemptResult<F>> retry_values(RetryState state, F function) {
  for (;;) {
    auto result = co_await begin_attempt(function, state.attempt());
    if (result.has_value()) co_return result;
    const std::exception_ptr error = as_exception(result.error());
    const std::optional<Nanoseconds> pause = state.failed(error);
    if (!pause.has_value()) co_return result;
    co_await sleep_for(*pause);
  }
}

template <class F>
Task<AttemptResult<F>> retry_exceptions(RetryState state, F function) {
  for (;;) {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<AttemptResult<F>>) {
        co_await begin_attempt(function, state.attempt());
        co_return;
      } else {
        decltype(auto) value = co_await begin_attempt(function, state.attempt());
        co_return static_cast<decltype(value)&&>(value);
      }
    } catch (...) {
      error = std::current_exception();
    }
    const std::optional<Nanoseconds> pause = state.failed(error);
    if (!pause.has_value()) std::rethrow_exception(error);
    co_await sleep_for(*pause);
  }
}

template <class R>
inline constexpr bool has_error_value = is_result<R> || is_io_result<R>;

}  // namespace detail

/// Awaits what `function()` gives until it succeeds, and returns its result. After an error that
/// `policy` retries it pauses and calls `function` again. Throws, or returns, the error of the last
/// attempt. Throws what the policy's functions throw. Cancel: ends the attempt or the pause; a
/// result that came in spite of it is delivered.
template <class F>
[[nodiscard]] Task<detail::AttemptResult<F>> retry(const RetryPolicy& policy, F function) {
  if constexpr (detail::has_error_value<detail::AttemptResult<F>>) {
    return detail::retry_values<F>(RetryState(policy), std::move(function));
  } else {
    return detail::retry_exceptions<F>(RetryState(policy), std::move(function));
  }
}

}  // namespace weft::inline v0_1
