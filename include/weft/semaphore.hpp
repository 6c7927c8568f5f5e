// Semaphore: a number of permits, which tasks wait for, first come, first served.
//
//   weft::Semaphore connections(8);
//   …
//   weft::Permit permit = co_await connections.acquire();    // in a fiber: await(…)
//   co_await talk();
//   // released where `permit` ends, on every path
//
// Thread-safe: any thread may release permits, whether it works for a runtime or not. Waiting
// allocates nothing: the queue's node is in the awaiter. No later call overtakes a waiter,
// try_acquire() included.
//
// While there are no waiters the word is the whole state: the number of permits, and a bit that
// says that there are, or were, waiters. While the bit is set the mutex guards the word and the
// queue (the proof is in src/sync/semaphore.cpp).
#pragma once

#include <weft/extend/queue_op.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class AcquireRequest;
}  // namespace detail

class Permit;
class Semaphore;
namespace detail {

/// A node of a semaphore's queue. When it is woken it owns its permits, and the semaphore no longer
/// refers to it.
class SemaphoreWaiter : public Waiter {
 public:
  explicit SemaphoreWaiter(Wake how, std::size_t permits = 1) noexcept
      : Waiter(how), permits_(permits) {}
  [[nodiscard]] std::size_t permits() const noexcept { return permits_; }

 protected:
  ~SemaphoreWaiter() = default;

 private:
  friend class AcquireRequest;
  friend class weft::Semaphore;
  bool closed_ = false;  // written when it is served: it has no permits
  std::size_t permits_;
};

}  // namespace detail

class Semaphore {
 public:
  /// The maximum number of permits.
  static constexpr std::size_t most_permits = SIZE_MAX >> 2;

  /// Precondition: `permits` is at most most_permits.
  explicit Semaphore(std::size_t permits) noexcept;
  /// Precondition: there are no waiters. A task that acquired what a release() gave may destroy the
  /// semaphore, even if that release() has not returned.
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// Waits until `permits` permits can be taken together, and returns a Permit that holds them. A
  /// task that waits for more than there will ever be waits forever, and so do all tasks behind it.
  /// Throws IoError (errc::operation_canceled) if the semaphore is or gets closed. Cancel: takes
  /// none; permits that were granted before the cancel are delivered.
  [[nodiscard]] QueueOp<detail::AcquireRequest> acquire(std::size_t permits = 1) noexcept;
  /// Acquires without waiting; returns an empty Permit if there are too few permits, if other tasks
  /// wait, or if the semaphore is closed.
  [[nodiscard]] Permit try_acquire(std::size_t permits = 1) noexcept;

  /// Adds permits and grants them to waiters. Never waits. For permits that no Permit holds: after
  /// Permit::forget(), or new ones. Precondition: at most most_permits in all.
  void release(std::size_t permits = 1) noexcept {
    if (!put(permits)) release_to_waiters(permits);
  }

  /// Closes the semaphore for good: it grants no permits any more. All that wait end with an error,
  /// as does each later acquire(). Permits that are held stay, and are released as before. Any
  /// thread, any number of times.
  void close() noexcept;
  /// Returns whether the semaphore is closed.
  [[nodiscard]] bool closed() const noexcept;

  /// Returns the number of free permits. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t available() const noexcept {
    return word_.load(std::memory_order_relaxed) >> 1;  // relaxed: orders nothing
  }
  /// Returns the number of waiters. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept;

  // For authors of awaiters.
  /// Takes permits if there are enough and there are no waiters; returns whether it did.
  [[nodiscard]] bool take(std::size_t permits) noexcept {
    // Relaxed, here and in put(): the value only decides what to try.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting_bit) == 0 && permits <= word >> 1) {
      // Acquire: pairs with the release in put().
      if (word_.compare_exchange_weak(word, word - (permits << 1), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// Queues `waiter`, unless its permits can be taken immediately.
  [[nodiscard]] Queued wait_with(detail::SemaphoreWaiter& waiter) noexcept;
  /// Takes the waiter back. Returns true if it has no permits and will not be woken; false if it is
  /// being woken. Before wait_with(): makes that refuse to queue, and returns false.
  [[nodiscard]] bool withdraw(detail::SemaphoreWaiter& waiter) noexcept;

 private:
  static constexpr std::uintptr_t waiting_bit = 1;

  /// Adds permits if the bit is not set; returns whether it did.
  [[nodiscard]] bool put(std::size_t permits) noexcept {
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting_bit) == 0 && permits <= most_permits - (word >> 1)) {
      // Release: pairs with the acquire in take() and take_or_mark(). This is the last access to
      // the semaphore: the task that takes the permits may destroy it.
      if (word_.compare_exchange_weak(word, word + (permits << 1), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] std::size_t wanted_by_first() const noexcept;
  [[nodiscard]] bool take_or_mark(std::size_t permits) noexcept;
  void release_to_waiters(std::size_t permits) noexcept;
  [[nodiscard]] std::size_t grant(std::size_t permits, ServedList& served) noexcept;

  Atomic<std::uintptr_t> word_;  // twice the number of permits, plus waiting_bit
  mutable ThreadMutex mutex_;
  WaiterList waiters_;   // guarded by mutex_; all are SemaphoreWaiters
  bool closed_ = false;  // guarded by mutex_
};

/// Holds permits; the destructor releases them. Move-only. Used by one thread at a time, which may
/// change. Must not outlive the semaphore.
class [[nodiscard]] Permit {
 public:
  Permit() noexcept = default;
  Permit(Permit&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)), permits_(other.permits_) {}
  Permit& operator=(Permit&& other) noexcept {
    Permit moved(std::move(other));
    std::swap(semaphore_, moved.semaphore_);
    std::swap(permits_, moved.permits_);
    return *this;
  }
  ~Permit() { release(); }

  /// Returns whether it holds permits.
  [[nodiscard]] explicit operator bool() const noexcept { return semaphore_ != nullptr; }
  [[nodiscard]] std::size_t permits() const noexcept {
    return semaphore_ != nullptr ? permits_ : 0;
  }

  /// Releases the permits now; no effect if it is empty.
  void release() noexcept {
    if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->release(permits_);
  }
  /// Becomes empty without releasing: call Semaphore::release(), or the semaphore has fewer permits
  /// from now on.
  void forget() noexcept { semaphore_ = nullptr; }

 private:
  friend class Semaphore;
  friend class detail::AcquireRequest;
  Permit(Semaphore& semaphore, std::size_t permits) noexcept
      : semaphore_(&semaphore), permits_(permits) {}

  Semaphore* semaphore_ = nullptr;
  std::size_t permits_ = 0;
};

namespace detail {

/// The request of Semaphore::acquire(), for QueueOp.
class AcquireRequest {
 public:
  using Node = SemaphoreWaiter;
  AcquireRequest(Semaphore& semaphore, std::size_t permits) noexcept
      : semaphore_(&semaphore), permits_(permits) {}

  [[nodiscard]] bool take(Node&) noexcept { return semaphore_->take(permits_); }
  [[nodiscard]] Queued queue(Node& node) noexcept {
    node.permits_ = permits_;
    return semaphore_->wait_with(node);
  }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return semaphore_->withdraw(node); }
  [[nodiscard]] Permit result(Node& node) {
    if (node.closed_) [[unlikely]]
      throw_closed();
    return Permit(*semaphore_, permits_);
  }

 private:
  [[noreturn]] static void throw_closed();

  Semaphore* semaphore_;
  std::size_t permits_;
};

}  // namespace detail

inline QueueOp<detail::AcquireRequest> Semaphore::acquire(std::size_t permits) noexcept {
  return QueueOp<detail::AcquireRequest>(detail::AcquireRequest(*this, permits));
}

inline Permit Semaphore::try_acquire(std::size_t permits) noexcept {
  // If the bit is set without waiters, there are no permits: then only a request for none succeeds.
  const bool taken = take(permits) || (permits == 0 && waiting() == 0 && !closed());
  return taken ? Permit(*this, permits) : Permit();
}

}  // namespace weft::inline v0_1
