// Waiter and WaiterList: the intrusive queue of waiters of a semaphore, a shared result and the
// like. For authors of awaiters, and of waits without a task.
//
// A Waiter is part of the awaiter, or on the stack of a thread, and stays in place until its wait
// is over; so waiting allocates nothing. One waiter waits once. Its life:
//   outside → queued → served
//   outside → queued → withdrawn
//   outside → withdrawn            a cancel that overtakes the wait: the queue then refuses it
#pragma once

#include <weft/extend/runnable.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

/// Result of queuing a waiter.
enum class Queued : std::uint8_t {
  waiting,  ///< It will be served.
  served,   ///< Served at once: it need not wait.
  refused,  ///< It was withdrawn before.
};

/// A Runnable that is run when the waiter was served. While the waiter is in a WaiterList or
/// ServedList, its links belong to that list; otherwise it may be used as any Runnable.
class Waiter : public Runnable {
 public:
  /// Called once after the waiter was served, by the serving thread, which holds no lock. Must not
  /// block, and must not serve or withdraw waiters. The waiter may be gone when it returns.
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

/// Waiters that were served and will be woken when no lock is held.
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
  Runnable* last_ = nullptr;  // unspecified while first_ is null
};

/// A queue of waiters and their states. Not thread-safe: the owner's lock guards the list and the
/// state of each of its waiters.
class WaiterList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The waiter that waited longest, or null.
  [[nodiscard]] Waiter* first() const noexcept { return waiter(first_); }

  /// Whether the waiter was withdrawn before it was queued; then it must not be queued.
  [[nodiscard]] static bool refuses(const Waiter& waiter) noexcept {
    return waiter.place_ == Waiter::Place::withdrawn;
  }
  /// Marks a waiter that need not wait as served.
  static void served_at_once(Waiter& waiter) noexcept { waiter.place_ = Waiter::Place::served; }
  void append(Waiter& waiter) noexcept {
    waiter.place_ = Waiter::Place::queued;
    waiter.next = nullptr;
    waiter.previous_ = first_ != nullptr ? last_ : nullptr;
    *(first_ != nullptr ? &last_->next : &first_) = &waiter;
    last_ = &waiter;
    ++size_;
  }
  /// Moves the first waiter to `served`, to be woken. Precondition: there is one.
  void serve_first(ServedList& served) noexcept {
    Waiter& waiter = *first();
    first_ = waiter.next;
    if (first_ != nullptr) first()->previous_ = nullptr;
    --size_;
    waiter.place_ = Waiter::Place::served;
    served.add(waiter);
  }
  /// Does the same for any waiter of the queue.
  void serve(Waiter& waiter, ServedList& served) noexcept {
    remove(waiter);
    waiter.place_ = Waiter::Place::served;
    served.add(waiter);
  }
  /// The waiter behind `in_queue`, or null.
  [[nodiscard]] static Waiter* behind(Waiter& in_queue) noexcept { return waiter(in_queue.next); }
  /// Removes the waiter from the queue and returns true. False: it is not in the queue; if it has
  /// not been queued yet, refuses() is true for it from now on.
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
  // SAFETY: only append() links elements, and each is a Waiter.
  [[nodiscard]] static Waiter* waiter(Runnable* linked) noexcept {
    return static_cast<Waiter*>(linked);
  }

  Runnable* first_ = nullptr;
  Waiter* last_ = nullptr;  // unspecified while first_ is null
  std::size_t size_ = 0;
};

}  // namespace weft::inline v0_1
