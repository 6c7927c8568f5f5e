// Atomics, a mutex and thread parking: the only synchronization that the core of weft uses.
// WEFT_ATOMIC_MODE chooses one of three modes for a whole program at build time:
//
//   mode  name           effect
//   0     plain          std::atomic and a futex; nothing added
//   1     perturbed      a thread sometimes yields before an operation, which widens races under a
//                        sanitizer; the yields are drawn from a generator seeded by WEFT_SEED in
//                        the environment
//   2     deterministic  each operation is a scheduling point of the model checker of
//                        <weft/model.hpp>
//
// An atomic is used as std::atomic is, with its order spelled out:
//
//   weft::Atomic<bool> ready{false};
//   ready.store(true, std::memory_order_release);
//
// The mode is part of each name here, through an inline namespace, and each translation unit refers
// to a symbol that only a library of the same mode defines: mixing modes is a link error.
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

namespace weft::inline v0_1 {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// Defined once by the library, in the namespace of the mode that it was built with.
extern const int atomic_mode_of_library;
[[gnu::used]] inline const int* const atomic_mode_of_program = &atomic_mode_of_library;

#if WEFT_ATOMIC_MODE != 2  // the Atomic of that mode is in model/atomic.hpp

#if WEFT_ATOMIC_MODE == 0
#define WEFT_BEFORE_OPERATION() static_cast<void>(0)
#else
/// Mode 1: yields the processor at random. Any thread.
void before_atomic_operation() noexcept;
#define WEFT_BEFORE_OPERATION() before_atomic_operation()
#endif

/// std::atomic<T> without default memory orders: an order is a claim about the algorithm, and only
/// a written claim can be checked. T must be lock-free.
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
  /// On failure sets `expected` to the value read, with the order `failure`.
  [[nodiscard]] bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                             std::memory_order failure) noexcept {
    WEFT_BEFORE_OPERATION();
    return value_.compare_exchange_strong(expected, desired, success, failure);
  }
  /// May also fail when the value was the expected one: for use in loops.
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

/// A lock for a few instructions: taken by one read-modify-write, released by a store. A thread
/// that finds it held spins briefly, then sleeps in the kernel. As the release is no
/// read-modify-write, it may miss a thread that begins to sleep at that moment; so a sleeper checks
/// again after a millisecond. Not fair, not recursive. Satisfies Lockable, for std::lock_guard and
/// std::unique_lock. Any thread. The thread that locks it next may destroy it, even while unlock()
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
    // Acquire: pairs with the release in unlock().
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
  static constexpr std::uint32_t awaited_word = 2;  // held, and there may be a sleeper

  void lock_slowly() noexcept;
  static void wake_one(const Atomic<std::uint32_t>* word) noexcept;

  Atomic<std::uint32_t> word_{free_word};
};

/// Mutual exclusion: an AdaptiveLock; in mode 2 a mutex that the model's scheduler knows as such,
/// so that it can report a deadlock.
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
  std::atomic<bool> locked_{false};  // the model's scheduler does the waiting
};
#endif

/// Lets one thread, the owner, sleep until another thread wakes it. It holds at most one token:
/// unpark() deposits it, park() takes it, and further deposits coalesce. No wake-up is lost: after
/// an earlier unpark(), park() returns immediately. Everything that happened before an unpark() is
/// visible after the park() that took its token.
class ThreadParker {
 public:
  constexpr ThreadParker() noexcept = default;
  ThreadParker(const ThreadParker&) = delete;
  ThreadParker& operator=(const ThreadParker&) = delete;

  /// Waits until there is a token and takes it. Called by the owner only.
  void park() noexcept;

  /// Does the same for at most `timeout`; zero or less does not wait. Returns false if no token
  /// came. Called by the owner only.
  [[nodiscard]] bool park_for(std::chrono::nanoseconds timeout) noexcept;

  /// Deposits the token and wakes the owner if it sleeps. Any thread. The owner may destroy the
  /// parker once it has the token, even while this call is returning.
  void unpark() noexcept;

 private:
  bool park_until(const std::chrono::steady_clock::time_point* deadline) noexcept;

  Atomic<std::uint32_t> state_{0};  // the states and the proof are in thread_parker.cpp
};

/// As std::atomic_thread_fence().
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

/// Announces that the caller spins until another thread makes progress: a pause instruction; in
/// mode 2 the scheduler runs another thread, if one can run.
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

/// Returns an address that identifies the calling thread while it lives. Not inlined: a compiler
/// might keep the address over a suspension.
#if WEFT_ATOMIC_MODE == 2
[[nodiscard]] const void* this_thread_mark() noexcept;
#else
[[nodiscard, gnu::noinline]] inline const void* this_thread_mark() noexcept {
  static constinit thread_local char mark = 0;
  return &mark;
}
#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1
