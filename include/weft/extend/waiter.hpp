// Waiter and WaiterList: who waits for a semaphore, a shared future and the like, and in which
// order. For those who write awaiters, and ways of waiting without a task.
//
// A waiter stands in the awaiter, on the stack of a thread, wherever it stays until its wait is
// over; so waiting allocates nothing. Its life: outside → queued → served, or withdrawn from the
// queue, or withdrawn before it came to the queue, which then refuses it (a cancel that overtakes
// the wait). One waiter waits once.
#pragma once

#include <weft/extend/runnable.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft {

/// What became of a waiter that was to be queued.
enum class Queued : std::uint8_t {
  waiting,  ///< it will be served
  served,   ///< at once: it need not wait
  refused,  ///< it had been withdrawn before
};

/// What is run when it has been served. The links are the queue's and the ServedList's; outside of
/// them it may be used as any Runnable.
class Waiter : public Runnable {
 public:
  /// Called once when the waiter has been served, by whoever serves it, who holds no lock: it must
  /// not block, and must not serve or withdraw anybody. The waiter may be gone when it returns.
  using Wake = Runnable::Run;

  explicit Waiter(Wake how) noexcept : Runnable(how) {}

 protected:
  ~Waiter() = default;

 private:
  friend class WaiterList;
  enum class Place : std::uint8_t { outside, queued, served, withdrawn };

  Waiter* previous_ = nullptr;
  Place place_ = Place::outside;
};

/// Those who have been served and are to be woken, once no lock is held.
class ServedList {
 public:
  void add(Waiter& waiter) noexcept {
    waiter.next = nullptr;
    *(first_ != nullptr ? &last_->next : &first_) = &waiter;
    last_ = &waiter;
  }
  void wake_all() noexcept {
    while (first_ != nullptr) std::exchange(first_, first_->next)->run();
  }

 private:
  Runnable* first_ = nullptr;
  Runnable* last_ = nullptr;  // meaningless while there is no first
};

/// A queue of waiters, and what their places are. Not thread-safe: its owner's lock guards it, and
/// the places of its waiters.
class WaiterList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The one that has waited longest, or null.
  [[nodiscard]] Waiter* first() const noexcept { return waiter(first_); }

  /// Whether it was withdrawn before it came here: it must not be queued.
  [[nodiscard]] static bool refuses(const Waiter& waiter) noexcept {
    return waiter.place_ == Waiter::Place::withdrawn;
  }
  /// It need not wait.
  static void served_at_once(Waiter& waiter) noexcept { waiter.place_ = Waiter::Place::served; }
  void append(Waiter& waiter) noexcept {
    waiter.place_ = Waiter::Place::queued;
    waiter.next = nullptr;
    waiter.previous_ = first_ != nullptr ? last_ : nullptr;
    *(first_ != nullptr ? &last_->next : &first_) = &waiter;
    last_ = &waiter;
    ++size_;
  }
  /// Takes the first out, to be woken. Precondition: there is one.
  void serve_first(ServedList& served) noexcept {
    Waiter& waiter = *first();
    first_ = waiter.next;
    if (first_ != nullptr) first()->previous_ = nullptr;
    --size_;
    waiter.place_ = Waiter::Place::served;
    served.add(waiter);
  }
  /// Takes it out of the queue, and gives true. False: it is not there; if it has not come yet,
  /// refuses() will say so.
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept {
    if (waiter.place_ == Waiter::Place::served) return false;
    const bool queued = waiter.place_ == Waiter::Place::queued;
    if (queued) remove(waiter);
    waiter.place_ = Waiter::Place::withdrawn;
    return queued;
  }

 private:
  void remove(Waiter& gone) noexcept {
    *(gone.previous_ != nullptr ? &gone.previous_->next : &first_) = gone.next;
    *(gone.next != nullptr ? &waiter(gone.next)->previous_ : &last_) = gone.previous_;
    --size_;
  }
  // SAFETY: only append() links what is in the list, and all are Waiters.
  [[nodiscard]] static Waiter* waiter(Runnable* linked) noexcept {
    return static_cast<Waiter*>(linked);
  }

  Runnable* first_ = nullptr;
  Waiter* last_ = nullptr;  // meaningless while there is no first
  std::size_t size_ = 0;
};

}  // namespace weft
