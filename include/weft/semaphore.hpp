// Semaphore: a number of permits, and those who wait for some, first come, first served.
//
//   weft::Semaphore connections(8);
//   …
//   weft::Permit permit = co_await connections.acquire();    // in a fiber: await(…)
//   co_await talk();
//   // given back where `permit` ends, on every path
//
// Thread-safe: permits are released from any thread, of a runtime or not. Waiting takes no memory:
// the node of the queue stands in the awaiter. Nobody who comes later passes those who wait, also
// not with try_acquire().
//
// The word is the whole state while nobody waits: the permits, and a bit that says that somebody
// does, or did. While it is set the word and the queue belong to the mutex. (The proof: src/sync/.)
#pragma once

#include <weft/extend/queue_op.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft {

namespace detail {
class AcquireRequest;
}  // namespace detail

class Permit;
namespace detail {

class AcquireRequest;

/// Waits for permits of a semaphore, in its queue. When it is woken they are its own, and the
/// semaphore knows it no more.
class SemaphoreWaiter : public Waiter {
 public:
  explicit SemaphoreWaiter(Wake how, std::size_t permits = 1) noexcept
      : Waiter(how), permits_(permits) {}
  [[nodiscard]] std::size_t permits() const noexcept { return permits_; }

 protected:
  ~SemaphoreWaiter() = default;

 private:
  friend class AcquireRequest;
  std::size_t permits_;
};

}  // namespace detail

class Semaphore {
 public:
  /// How many permits there may be.
  static constexpr std::size_t most_permits = SIZE_MAX >> 2;

  /// Precondition: at most most_permits.
  explicit Semaphore(std::size_t permits) noexcept;
  /// Nobody may be waiting. Whoever has acquired what a release() gave may destroy the semaphore,
  /// even if that call has not returned.
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// Waits for a permit, or for `permits` of them together, and gives a Permit that holds them.
  /// Who waits for more than there will ever be waits for ever, and so do all after it. No errors.
  /// Cancel: takes none; permits that were granted before the cancel came are delivered.
  [[nodiscard]] QueueOp<detail::AcquireRequest> acquire(std::size_t permits = 1) noexcept;
  /// The same without waiting: an empty Permit if there are too few, or others wait.
  [[nodiscard]] Permit try_acquire(std::size_t permits = 1) noexcept;

  /// Adds permits, and grants them to those who wait. Never waits. For permits that no Permit
  /// holds: after Permit::forget(), or new ones. Precondition: at most most_permits in all.
  void release(std::size_t permits = 1) noexcept {
    if (!put(permits)) release_to_waiters(permits);
  }

  /// Permits that nobody has. A moment later it may be another number.
  [[nodiscard]] std::size_t available() const noexcept {
    return word_.load(std::memory_order_relaxed) >> 1;  // relaxed: orders nothing
  }
  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept;

  // For those who write awaiters
  /// Takes permits if there are enough and nobody waits.
  [[nodiscard]] bool take(std::size_t permits) noexcept {
    // Relaxed: it decides only what to try, and so in put().
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

  /// Queues `waiter`, unless its permits can be had at once.
  [[nodiscard]] Queued wait_with(detail::SemaphoreWaiter& waiter) noexcept;
  /// Takes the waiter back. True: it has none and will not be woken. False: it is being woken.
  /// Before wait_with(): makes it refuse, and gives false.
  [[nodiscard]] bool withdraw(detail::SemaphoreWaiter& waiter) noexcept;

 private:
  static constexpr std::uintptr_t waiting_bit = 1;

  /// Adds permits if the bit is not set.
  [[nodiscard]] bool put(std::size_t permits) noexcept {
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting_bit) == 0 && permits <= most_permits - (word >> 1)) {
      // Release: pairs with the acquire in take() and take_or_mark(). The last touch of the
      // semaphore, as whoever takes the permits may destroy it.
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

  Atomic<std::uintptr_t> word_;  // twice the permits, plus waiting_bit
  mutable ThreadMutex mutex_;
  WaiterList waiters_;  // guarded by mutex_; all are SemaphoreWaiters
};

/// Permits that are given back when it goes. Move-only; used by one thread at a time, any. It must
/// not outlive its semaphore.
class [[nodiscard]] Permit {
 public:
  /// Empty.
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

  /// Whether it holds anything.
  [[nodiscard]] explicit operator bool() const noexcept { return semaphore_ != nullptr; }
  [[nodiscard]] std::size_t permits() const noexcept {
    return semaphore_ != nullptr ? permits_ : 0;
  }

  /// Gives the permits back now.
  void release() noexcept {
    if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->release(permits_);
  }
  /// Keeps them from being given back: another calls Semaphore::release(), or there are fewer.
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

/// How QueueOp waits for permits.
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
  [[nodiscard]] Permit result(Node&) noexcept { return Permit(*semaphore_, permits_); }

 private:
  Semaphore* semaphore_;
  std::size_t permits_;
};

}  // namespace detail

inline QueueOp<detail::AcquireRequest> Semaphore::acquire(std::size_t permits) noexcept {
  return QueueOp<detail::AcquireRequest>(detail::AcquireRequest(*this, permits));
}

inline Permit Semaphore::try_acquire(std::size_t permits) noexcept {
  // The bit may be set though nobody waits: then there are no permits, and who wants none has them.
  const bool taken = take(permits) || (permits == 0 && waiting() == 0);
  return taken ? Permit(*this, permits) : Permit();
}

}  // namespace weft
