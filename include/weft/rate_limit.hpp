// RateLimiter: so many a second, with a burst (a token bucket). ConcurrencyLimit: so many at a
// time.
//
//   weft::RateLimiter rate(100, 1s, 20);            // 100 a second, at most 20 at once
//   weft::ConcurrencyLimit parallel(8);
//   …
//   co_await rate.acquire();                        // in a fiber: await(rate.acquire())
//   weft::OwnedPermit place = co_await parallel.acquire();
//   co_await send(request);
//   // the place is free again where `place` ends
//
// Both are first come, first served: no later call overtakes a wait, try_acquire() included.
// Thread-safe, and usable from several runtimes.
#pragma once

#include <weft/atomic.hpp>
#include <weft/mutex.hpp>
#include <weft/owned_guard.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// A token bucket. Permits accrue evenly, up to a burst, and are used up by acquire(). In any time
/// t it grants at most `burst + t * permits / period`, counted exactly: no rounding adds up. Time
/// is that of weft::now(), virtual or not; so all users of one limiter share one clock.
class RateLimiter {
 public:
  /// `permits` in each `period`, of which at most `burst` are saved up while there is no use for
  /// them. All of the burst is there at the first use. Throws std::invalid_argument if one of them
  /// is zero or less, or if `burst` permits take longer than 292 years to accrue.
  RateLimiter(std::size_t permits, Duration period, std::size_t burst);
  /// With a burst of one: the permits are evenly spaced.
  RateLimiter(std::size_t permits, Duration period) : RateLimiter(permits, period, 1) {}
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;
  /// Precondition: no acquire() is under way.
  ~RateLimiter() = default;

  /// Waits until `permits` have accrued, and uses them up; a wait for many is not overtaken by one
  /// for few. Throws std::invalid_argument, in this call, for more than the burst: so many are
  /// never there. Cancel: uses none, and the next wait goes on.
  [[nodiscard]] Task<void> acquire(std::size_t permits = 1);
  /// Uses `permits` up if they are there and no task waits; returns whether it did. More than the
  /// burst: false.
  [[nodiscard]] bool try_acquire(std::size_t permits = 1) noexcept;

  /// Returns the number of permits that are there. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t available() noexcept;
  /// Returns the number of tasks in acquire() that wait. It may be outdated, too.
  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] std::size_t burst() const noexcept { return burst_; }

 private:
  class Turn;

  Task<void> wait_and_take(std::size_t permits);
  [[nodiscard]] bool take_at_once(std::size_t permits) noexcept;
  /// Takes the permits and returns nothing, or returns when they will be there.
  [[nodiscard]] std::optional<TimePoint> take_or_due(std::size_t permits) noexcept;
  void accrue(TimePoint present) noexcept;

  // In units such that each nanosecond adds `gain_` of them, and a permit costs `cost_`: whole
  // numbers, so that nothing is rounded.
  std::int64_t gain_ = 0;
  std::int64_t cost_ = 0;
  std::int64_t full_ = 0;  // the burst's
  std::size_t burst_;
  Mutex turn_;  // of the task whose permits accrue; the others wait for it in their order
  mutable ThreadMutex mutex_;
  std::int64_t level_ = 0;          // guarded by mutex_, as is all that follows
  std::optional<TimePoint> as_of_;  // the moment of `level_`; none before the first use
  std::size_t waiting_ = 0;
};

/// A bound on what happens at a time. A value: copies share the bound.
class ConcurrencyLimit {
 public:
  /// Throws std::invalid_argument for zero and for more than Semaphore::most_permits.
  explicit ConcurrencyLimit(std::size_t most);

  /// Waits for a place; the permit keeps the limit. Throws IoError (errc::operation_canceled) after
  /// close(). Cancel: takes none.
  [[nodiscard]] QueueOp<detail::OwnedAcquireRequest> acquire() const noexcept {
    return acquire_owned(places_);
  }
  /// Takes a place without waiting; an empty permit if there is none, if other tasks wait, or after
  /// close().
  [[nodiscard]] OwnedPermit try_acquire() const noexcept { return try_acquire_owned(places_); }
  /// Waits for a place, then calls `function`, awaits what that gives, and returns its result.
  /// Cancel: ends the wait, or what is awaited.
  template <class F>
    requires Awaitable<std::invoke_result_t<F&>>
  [[nodiscard]] Task<AwaitResult<std::invoke_result_t<F&>>> run(F function) const {
    return run_in_place(places_, std::move(function));
  }
  /// No place is given any more: waits end with an error, later ones as well.
  void close() const noexcept { places_->close(); }

  [[nodiscard]] std::size_t most() const noexcept { return most_; }
  /// Returns the number of places that are taken, and of the waits for one. They may have changed
  /// by the time they are returned.
  [[nodiscard]] std::size_t in_use() const noexcept { return most_ - places_->available(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return places_->waiting(); }

 private:
  template <class F>
  static Task<AwaitResult<std::invoke_result_t<F&>>> run_in_place(std::shared_ptr<Semaphore> places,
                                                                  F function) {
    const OwnedPermit place = co_await acquire_owned(std::move(places));
    if constexpr (std::is_void_v<AwaitResult<std::invoke_result_t<F&>>>) {
      co_await std::invoke(function);
    } else {
      decltype(auto) value = co_await std::invoke(function);
      co_return static_cast<decltype(value)&&>(value);
    }
  }

  std::shared_ptr<Semaphore> places_;
  std::size_t most_;
};

}  // namespace weft::inline v0_1
