// Notify: wakes waiters, and knows nothing of the reason. To build waiting into something that has
// a state and a lock of its own.
//
//   weft::Notify changed;
//   …
//   changed.notify_one();            // after a change
//   …
//   co_await changed.wait();         // in a fiber: await(changed.wait())
//
// A notify_one() without a waiter is kept for the next wait(), so a change between a look at the
// state and the wait is not missed: look again after each wait. notify_all() wakes those that wait
// at that moment, and ends the waits that were made before it and are awaited later. So with
// notify_all() make the wait before the look:
//
//   auto changed = state_changed.notified();
//   if (!good(state)) co_await changed;
//
// It is also the event that resets itself: each notify_one() lets one wait pass.
//
// Thread-safe: notified from any thread, of a runtime or not. Waiting takes no memory, and waiters
// go on in the order in which they came.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1 {

namespace detail {
class NotifyRequest;
}  // namespace detail

class Notify {
 public:
  Notify() noexcept : word_(0) {}
  /// No wait may be under way, nor a cancel of one. What a notification has woken may destroy it,
  /// even if that notify_one() or notify_all() has not returned.
  ~Notify();

  /// Wakes the one that has waited longest. If none waits, the next wait() does not wait; two calls
  /// before it count as one. What came before the call is seen by the wait that it ends.
  void notify_one() noexcept;
  /// Wakes all that wait now, and ends the waits that were made before this call and are not
  /// awaited yet. Keeps nothing for waits that are made later.
  void notify_all() noexcept;

  /// Waits to be notified. Counts from this call: a notify_all() before the await ends it, too. No
  /// errors. To be awaited once. Cancel: stops waiting and takes no notification; one that came
  /// before the cancel is delivered.
  [[nodiscard]] QueueOp<detail::NotifyRequest> wait() noexcept;
  /// The same by the name for a wait that is made before a look at the state, and awaited after it.
  [[nodiscard]] QueueOp<detail::NotifyRequest> notified() noexcept;
  /// The same without waiting: takes the notification that was kept, if there is one.
  [[nodiscard]] bool try_wait() noexcept {
    // Acquire: pairs with the release in notify_one().
    return word_.change(take_kept, std::memory_order_acquire);
  }
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on a thread
  /// that runs tasks.
  void blocking_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::NotifyRequest;
  // The number: whether a notify_one() is kept, and the number of calls of notify_all() so far.
  static constexpr std::uintptr_t kept = 1;
  static constexpr std::uintptr_t call_of_all = 2;
  static bool take_kept(std::uintptr_t& number) noexcept {
    if ((number & kept) == 0) return false;
    number -= kept;
    return true;
  }

  detail::WaitableWord word_;
};

namespace detail {

/// How QueueOp waits for a notification.
class NotifyRequest {
 public:
  using Node = Waiter;
  explicit NotifyRequest(Notify& notify) noexcept
      // Relaxed: a notify_all() that this must not see comes later.
      : notify_(&notify), made_at_(calls(notify.word_.number(std::memory_order_relaxed))) {}

  [[nodiscard]] bool take(Node&) noexcept {
    // Acquire: pairs with the release in notify_all().
    return was_called(notify_->word_.number(std::memory_order_acquire)) || notify_->try_wait();
  }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return notify_->word_.withdraw(node); }
  void result(Node&) noexcept {}

 private:
  [[nodiscard]] static std::uintptr_t calls(std::uintptr_t number) noexcept {
    return number / Notify::call_of_all;
  }
  /// Whether notify_all() was called since this was made.
  [[nodiscard]] bool was_called(std::uintptr_t number) const noexcept {
    return calls(number) != made_at_;
  }

  Notify* notify_;
  std::uintptr_t made_at_;
};

}  // namespace detail

inline QueueOp<detail::NotifyRequest> Notify::wait() noexcept {
  return QueueOp<detail::NotifyRequest>(detail::NotifyRequest(*this));
}
inline QueueOp<detail::NotifyRequest> Notify::notified() noexcept { return wait(); }

}  // namespace weft::inline v0_1
