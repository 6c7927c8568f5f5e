// Clock: where the time comes from; injected into whoever needs it, so that tests and simulations
// can replace it. SteadyClock is the production one. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace weft {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Nanoseconds of a clock that never goes back. Thread-safe.
  [[nodiscard]] virtual std::int64_t now() noexcept = 0;
};

/// The system's monotonic clock, the one that std::chrono::steady_clock reads.
class SteadyClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now() noexcept override {
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since_start).count();
  }
};

}  // namespace weft
