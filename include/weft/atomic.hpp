// Atomics, mutex and thread parking: the only synchronization that the core of weft uses. One of
// three modes is chosen for a whole program at build time by WEFT_ATOMIC_MODE:
//   0 plain          std::atomic and a futex; nothing added.
//   1 perturbed      a thread sometimes yields before an operation, to widen races under a
//   sanitizer.
//                    The yields are drawn from a generator seeded by WEFT_SEED in the environment.
//   2 deterministic  each operation is a scheduling point of the model checker in <weft/model.hpp>.
// The mode is part of every name here (an inline namespace), and each translation unit refers to a
// symbol that only a library of the same mode defines: mixing modes is a link error.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <source_location>
#include <type_traits>

#ifndef WEFT_ATOMIC_MODE
#define WEFT_ATOMIC_MODE 0
#endif

#if WEFT_ATOMIC_MODE == 0
#define WEFT_ATOMIC_NAMESPACE plain_mode
#elif WEFT_ATOMIC_MODE == 1
#define WEFT_ATOMIC_NAMESPACE perturbed_mode
#elif WEFT_ATOMIC_MODE == 2
#define WEFT_ATOMIC_NAMESPACE deterministic_mode
#else
#error "WEFT_ATOMIC_MODE must be 0 (plain), 1 (perturbed) or 2 (deterministic)"
#endif

#if WEFT_ATOMIC_MODE == 2
#include <weft/model/atomic.hpp>
#endif

namespace weft {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// Defined by the library, once, in the namespace of the mode that it was built with.
extern const int atomic_mode_of_library;
[[gnu::used]] inline const int* const atomic_mode_of_program = &atomic_mode_of_library;

#if WEFT_ATOMIC_MODE != 2  // the Atomic of that mode is in model_atomic.hpp

#if WEFT_ATOMIC_MODE == 0
#define WEFT_BEFORE_OPERATION() static_cast<void>(0)
#else
/// Mode 1: sometimes yields the processor. Safe from any thread.
void before_atomic_operation() noexcept;
#define WEFT_BEFORE_OPERATION() before_atomic_operation()
#endif

/// std::atomic<T> whose orders are always spelled out: an order is a claim about the algorithm, and
/// a claim that is not written cannot be checked. T must be lock-free.
template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && std::atomic<T>::is_always_lock_free);
  static constexpr bool kCounts = std::integral<T> && !std::same_as<T, bool>;

 public:
  constexpr Atomic() noexcept : value_(T{}) {}
  constexpr explicit(false) Atomic(T initial) noexcept : value_(initial) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  [[nodiscard]] T load(std::memory_order order) const noexcept {
    WEFT_BEFORE_OPERATION();
    return value_.load(order);
  }
  void store(T desired, std::memory_order order) noexcept {
    WEFT_BEFORE_OPERATION();
    value_.store(desired, order);
  }
  T exchange(T desired, std::memory_order order) noexcept {
    WEFT_BEFORE_OPERATION();
    return value_.exchange(desired, order);
  }
  /// On failure `expected` holds the value seen, read with the order `failure`.
  [[nodiscard]] bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                             std::memory_order failure) noexcept {
    WEFT_BEFORE_OPERATION();
    return value_.compare_exchange_strong(expected, desired, success, failure);
  }
  /// As above, and may fail though the value was the expected one: for loops.
  [[nodiscard]] bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                                           std::memory_order failure) noexcept {
    WEFT_BEFORE_OPERATION();
    return value_.compare_exchange_weak(expected, desired, success, failure);
  }
  T fetch_add(T amount, std::memory_order order) noexcept
    requires kCounts
  {
    WEFT_BEFORE_OPERATION();
    return value_.fetch_add(amount, order);
  }
  T fetch_sub(T amount, std::memory_order order) noexcept
    requires kCounts
  {
    WEFT_BEFORE_OPERATION();
    return value_.fetch_sub(amount, order);
  }
  T fetch_or(T bits, std::memory_order order) noexcept
    requires kCounts
  {
    WEFT_BEFORE_OPERATION();
    return value_.fetch_or(bits, order);
  }
  T fetch_and(T bits, std::memory_order order) noexcept
    requires kCounts
  {
    WEFT_BEFORE_OPERATION();
    return value_.fetch_and(bits, order);
  }

 private:
  std::atomic<T> value_;
};

#undef WEFT_BEFORE_OPERATION

#endif

/// A lock, best for a few instructions: taken by one read-modify-write, given up by a store. Who
/// finds it held spins for a moment, then sleeps in the kernel. Because giving up is no
/// read-modify-write, it may miss a sleeper who came at that very instant: so who sleeps looks
/// again after a millisecond. Not fair, not recursive; satisfies Lockable, so std::lock_guard and
/// std::unique_lock take it. Any thread. Whoever locks it next may destroy it, even while unlock()
/// is returning. (After Ulrich Drepper, "Futexes Are Tricky", 2011, whose unlock is an exchange.)
class AdaptiveLock {
 public:
  constexpr AdaptiveLock() noexcept = default;
  AdaptiveLock(const AdaptiveLock&) = delete;
  AdaptiveLock& operator=(const AdaptiveLock&) = delete;

  void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      lock_slowly();
  }
  [[nodiscard]] bool try_lock() noexcept {
    std::uint32_t expected = free_word;
    // Acquire: pairs with unlock().
    return word_.compare_exchange_strong(expected, held_word, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  void unlock() noexcept {
    const Atomic<std::uint32_t>* const word = &word_;
    const bool awaited = word_.load(std::memory_order_relaxed) == awaited_word;
    word_.store(free_word, std::memory_order_release);
    if (awaited) [[unlikely]]
      wake_one(word);
  }

 private:
  static constexpr std::uint32_t free_word = 0;
  static constexpr std::uint32_t held_word = 1;
  static constexpr std::uint32_t awaited_word = 2;  // held, and somebody may sleep

  void lock_slowly() noexcept;
  static void wake_one(const Atomic<std::uint32_t>* word) noexcept;

  Atomic<std::uint32_t> word_{free_word};
};

/// Mutual exclusion: an AdaptiveLock, or in mode 2 what the scheduler of the model knows as a
/// mutex, so that it can tell a deadlock.
#if WEFT_ATOMIC_MODE != 2
using ThreadMutex = AdaptiveLock;
#else
class ThreadMutex {
  using Where = std::source_location;

 public:
  constexpr ThreadMutex() noexcept {
    if !consteval {
      model_hooks::mutex_begins(this);
    }
  }
  ThreadMutex(const ThreadMutex&) = delete;
  ThreadMutex& operator=(const ThreadMutex&) = delete;
  constexpr ~ThreadMutex() {
    if !consteval {
      model_hooks::object_ends(this);
    }
  }

  void lock(Where where = Where::current());
  [[nodiscard]] bool try_lock(Where where = Where::current());
  void unlock(Where where = Where::current());

 private:
  std::atomic<bool> locked_{false};  // waiting is done by the scheduler of the model
};
#endif

/// Lets one thread, the owner, sleep until another wants it. It holds at most one token; unpark()
/// deposits it, park() takes it, and tokens that meet coalesce. No wake-up is lost: an unpark()
/// that comes before the park() makes that park() return at once. Everything that happened before
/// an unpark() is visible after the park() that took its token.
class ThreadParker {
 public:
  constexpr ThreadParker() noexcept = default;
  ThreadParker(const ThreadParker&) = delete;
  ThreadParker& operator=(const ThreadParker&) = delete;

  /// Waits until there is a token and takes it. Owner only.
  void park() noexcept;

  /// The same for at most `timeout`; false if no token came. Zero or less only looks. Owner only.
  [[nodiscard]] bool park_for(std::chrono::nanoseconds timeout) noexcept;

  /// Deposits the token and wakes the owner if it sleeps. Any thread. The owner may destroy the
  /// parker as soon as it has the token, even while this call is returning.
  void unpark() noexcept;

 private:
  bool park_until(const std::chrono::steady_clock::time_point* deadline) noexcept;

  Atomic<std::uint32_t> state_{0};  // the states and the proof are in thread_parker.cpp
};

/// std::atomic_thread_fence.
#if WEFT_ATOMIC_MODE == 2
inline void atomic_fence(std::memory_order order,
                         std::source_location where = std::source_location::current()) noexcept {
  model_hooks::fence(order, where);
}
#else
inline void atomic_fence(std::memory_order order) noexcept {
#if WEFT_ATOMIC_MODE == 1
  before_atomic_operation();
#endif
  std::atomic_thread_fence(order);
}
#endif

/// Says that the caller spins until another thread moves: a pause instruction; in mode 2 the
/// scheduler runs another thread, if any can run.
#if WEFT_ATOMIC_MODE == 2
void spin_hint() noexcept;
#else
inline void spin_hint() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}
#endif

/// An address that stands for the calling thread, and for no other one while it lives. Not inlined:
/// a compiler might keep it over a suspension.
#if WEFT_ATOMIC_MODE == 2
[[nodiscard]] const void* this_thread_mark() noexcept;
#else
[[nodiscard, gnu::noinline]] inline const void* this_thread_mark() noexcept {
  static constinit thread_local char mark = 0;
  return &mark;
}
#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft
