// Waiting on a 32-bit word: the system call under ThreadParker, AdaptiveLock and WakeState, and its
// model. Both functions are safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <weft/atomic.hpp>

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// Sleeps while `word` holds `expected`, until futex_wake_one or `deadline` (null: none). The look
/// at the word and the falling asleep are one atomic step. May also return for no reason. False
/// when the deadline passed.
bool futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected,
                const std::chrono::steady_clock::time_point* deadline) noexcept;

/// Wakes one thread that sleeps on `word`. Only the address is used: the word may already be gone.
void futex_wake_one(const Atomic<std::uint32_t>* word) noexcept;

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
