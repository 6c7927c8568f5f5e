// Clock: the source of time, passed to its users so that tests and simulations can replace it.
// SteadyClock is the production clock. Thread-safe.
#pragma once

#include <weft/atomic.hpp>

#include <chrono>
#include <cstdint>

namespace weft::inline v0_1::detail {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Returns nanoseconds of a clock that never goes back. Thread-safe.
  [[nodiscard]] virtual std::int64_t now() noexcept = 0;
  /// The useful precision of deadlines: 2^n nanoseconds.
  [[nodiscard]] virtual unsigned timer_shift() const noexcept { return 16; }
};

/// The system's monotonic clock, the one that std::chrono::steady_clock reads.
class SteadyClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now() noexcept override {
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since_start).count();
  }
};

/// A clock that stands still until advance(). Starts at the system's present time.
class VirtualClock final : public Clock {
 public:
  VirtualClock() noexcept : now_(SteadyClock().now()) {}
  [[nodiscard]] std::int64_t now() noexcept override {
    return now_.load(std::memory_order_relaxed);  // relaxed: a time orders nothing
  }
  [[nodiscard]] unsigned timer_shift() const noexcept override { return 0; }
  /// One thread at a time.
  void advance(std::int64_t nanoseconds) noexcept {
    now_.store(now_.load(std::memory_order_relaxed) + nanoseconds, std::memory_order_relaxed);
  }

 private:
  Atomic<std::int64_t> now_;
};

}  // namespace weft::inline v0_1::detail
