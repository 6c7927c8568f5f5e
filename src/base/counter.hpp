// Counter: a statistic, incremented by one thread at a time and read by any. It needs no
// read-modify-write: each add() happens after the add() of the thread that counted before.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    // Relaxed: a statistic orders nothing.
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t load() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  Atomic<std::uint64_t> value_{0};
};

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
