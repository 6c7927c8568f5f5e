// Mutex: mutual exclusion between tasks, first come, first served. It may be held across a wait.
//
//   weft::Mutex mutex;
//   …
//   weft::MutexGuard guard = co_await mutex.lock();     // in a fiber: await(mutex.lock())
//   co_await use(what_it_protects);
//   // unlocked where `guard` ends, on every path
//
// Thread-safe: it is unlocked on any thread. Unlocking hands it to the one who has waited longest,
// so nobody passes those who wait, also not with try_lock(). Waiting takes no memory. Not
// recursive. For a few instructions without a wait a std::mutex does as well.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>
#include <utility>

namespace weft {

namespace detail {
class LockRequest;
}  // namespace detail

class MutexGuard;
namespace detail {

class LockRequest;

}  // namespace detail

class Mutex {
 public:
  Mutex() noexcept : word_(free) {}
  /// Nobody may be waiting. Whoever was handed the lock may destroy the mutex, even if the unlock()
  /// that gave it has not returned.
  ~Mutex();

  /// Waits for the lock and gives a guard that holds it. No errors. Cancel: does not lock; if the
  /// lock was handed over before the cancel came, the guard is delivered.
  [[nodiscard]] QueueOp<detail::LockRequest> lock() noexcept;
  /// The same without waiting: an empty guard if it is locked.
  [[nodiscard]] MutexGuard try_lock() noexcept;
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  [[nodiscard]] MutexGuard blocking_lock();

  /// Unlocks what no guard holds: after MutexGuard::forget(). Never waits. Any thread.
  void unlock() noexcept {
    // Release: pairs with the acquire of who locks it next.
    while (!word_.replace(held, free, std::memory_order_release)) {
      if (unlock_slowly()) return;
    }
  }

  /// Whether somebody holds it. A moment later it may be otherwise.
  [[nodiscard]] bool locked() const noexcept {
    return word_.number(std::memory_order_relaxed) == held;  // relaxed: orders nothing
  }
  /// How many wait. A moment later it may be another number.
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

/// Holds a mutex and unlocks it when it goes. Move-only; used by one thread at a time, any. It must
/// not outlive the mutex.
class [[nodiscard]] MutexGuard {
 public:
  /// Empty.
  MutexGuard() noexcept = default;
  MutexGuard(MutexGuard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  MutexGuard& operator=(MutexGuard&& other) noexcept {
    MutexGuard moved(std::move(other));
    std::swap(mutex_, moved.mutex_);
    return *this;
  }
  ~MutexGuard() { unlock(); }

  /// Whether it holds anything.
  [[nodiscard]] explicit operator bool() const noexcept { return mutex_ != nullptr; }
  /// Unlocks now.
  void unlock() noexcept {
    if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->unlock();
  }
  /// Leaves it locked: another calls Mutex::unlock().
  void forget() noexcept { mutex_ = nullptr; }

 private:
  friend class detail::LockRequest;
  friend class Mutex;
  explicit MutexGuard(Mutex& mutex) noexcept : mutex_(&mutex) {}

  Mutex* mutex_ = nullptr;
};

namespace detail {

/// How QueueOp waits for a mutex.
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

}  // namespace weft
