// Waiting on a 32-bit word by futex(2): for ThreadParker, AdaptiveLock and WakeState; with a model.
// Both functions may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <weft/atomic.hpp>

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// Sleeps while `word` holds `expected`, until futex_wake_one() or `deadline` (null: none).
/// Comparing the word and falling asleep are one atomic step. May also return spuriously. False:
/// the deadline has passed.
bool futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected,
                const std::chrono::steady_clock::time_point* deadline) noexcept;

/// Wakes one thread that sleeps on `word`. Uses only the address: the word may be gone already.
void futex_wake_one(const Atomic<std::uint32_t>* word) noexcept;

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
