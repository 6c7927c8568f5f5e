// Mutex: mutual exclusion between tasks, first come, first served. May be held across a wait.
//
//   weft::Mutex mutex;
//   …
//   weft::MutexGuard guard = co_await mutex.lock();     // in a fiber: await(mutex.lock())
//   co_await use(what_it_protects);
//   // unlocked where `guard` ends, on every path
//
// Thread-safe: may be unlocked on any thread. Unlocking hands the mutex to the task that has waited
// longest, so no later call overtakes a waiter, try_lock() included. Waiting allocates nothing. Not
// recursive. For a few instructions without a wait a std::mutex is sufficient.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>
#include <utility>

namespace weft::inline v0_1 {

class Mutex;
class MutexGuard;

namespace detail {
class LockRequest;
/// The mutex that the guard holds, for a wait that unlocks it. Aborts with a message if there is
/// none.
[[nodiscard]] Mutex& mutex_of(const MutexGuard& guard) noexcept;
}  // namespace detail

class Mutex {
 public:
  Mutex() noexcept : word_(free) {}
  /// Precondition: there are no waiters. The task to which an unlock() handed the mutex may destroy
  /// it, even if that unlock() has not returned.
  ~Mutex();

  /// Waits for the mutex and returns a guard that holds it. No errors. Cancel: does not lock; if
  /// the mutex was handed over before the cancel, the guard is delivered.
  [[nodiscard]] QueueOp<detail::LockRequest> lock() noexcept;
  /// Locks without waiting; returns an empty guard if the mutex is locked.
  [[nodiscard]] MutexGuard try_lock() noexcept;
  /// Blocks the calling thread until it has the mutex. Throws std::logic_error on a thread that
  /// runs tasks.
  [[nodiscard]] MutexGuard blocking_lock();

  /// Unlocks a mutex that no guard holds: after MutexGuard::forget(). Never waits. Any thread.
  void unlock() noexcept {
    // Release: pairs with the acquire in take() of the next lock.
    while (!word_.replace(held, free, std::memory_order_release)) {
      if (unlock_slowly()) return;
    }
  }

  /// Returns whether the mutex is locked. That may have changed by the time it is returned.
  [[nodiscard]] bool locked() const noexcept {
    return word_.number(std::memory_order_relaxed) == held;  // relaxed: orders nothing
  }
  /// Returns the number of waiters. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::LockRequest;
  static constexpr std::uintptr_t free = 0;
  static constexpr std::uintptr_t held = 1;

  /// Acquire: pairs with the release in unlock().
  [[nodiscard]] bool take() noexcept {
    return word_.replace(free, held, std::memory_order_acquire);
  }
  [[nodiscard]] bool unlock_slowly() noexcept;

  detail::WaitableWord word_;
};

/// Holds a mutex; the destructor unlocks it. Move-only. Used by one thread at a time, which may
/// change. Must not outlive the mutex.
class [[nodiscard]] MutexGuard {
 public:
  MutexGuard() noexcept = default;
  MutexGuard(MutexGuard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  MutexGuard& operator=(MutexGuard&& other) noexcept {
    MutexGuard moved(std::move(other));
    std::swap(mutex_, moved.mutex_);
    return *this;
  }
  ~MutexGuard() { unlock(); }

  /// Returns whether it holds a mutex.
  [[nodiscard]] explicit operator bool() const noexcept { return mutex_ != nullptr; }
  /// Unlocks now; no effect if it is empty.
  void unlock() noexcept {
    if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->unlock();
  }
  /// Leaves the mutex locked and becomes empty: another call of Mutex::unlock() must unlock it.
  void forget() noexcept { mutex_ = nullptr; }

 private:
  friend class detail::LockRequest;
  friend class Mutex;
  friend Mutex& detail::mutex_of(const MutexGuard& guard) noexcept;
  explicit MutexGuard(Mutex& mutex) noexcept : mutex_(&mutex) {}

  Mutex* mutex_ = nullptr;
};

namespace detail {

/// The request of Mutex::lock(), for QueueOp.
class LockRequest {
 public:
  using Node = Waiter;
  explicit LockRequest(Mutex& mutex) noexcept : mutex_(&mutex) {}

  [[nodiscard]] bool take(Node&) noexcept { return mutex_->take(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return mutex_->word_.withdraw(node); }
  [[nodiscard]] MutexGuard result(Node&) noexcept { return MutexGuard(*mutex_); }

 private:
  Mutex* mutex_;
};

}  // namespace detail

inline QueueOp<detail::LockRequest> Mutex::lock() noexcept {
  return QueueOp<detail::LockRequest>(detail::LockRequest(*this));
}

inline MutexGuard Mutex::try_lock() noexcept { return take() ? MutexGuard(*this) : MutexGuard(); }

}  // namespace weft::inline v0_1
