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
// state and the wait is not missed: look again after each wait. notify_all() wakes only those that
// wait at that moment. It is also the event that resets itself: each notify_one() lets one wait
// pass.
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
  Notify() noexcept : word_(is_not) {}
  /// No wait may be under way, nor a cancel of one. What a notification has woken may destroy it,
  /// even if that notify_one() or notify_all() has not returned.
  ~Notify();

  /// Wakes the one that has waited longest. If none waits, the next wait() does not wait; two calls
  /// before it count as one. What came before the call is seen by the wait that it ends.
  void notify_one() noexcept;
  /// Wakes all that wait now. Keeps nothing for later waits.
  void notify_all() noexcept;

  /// Waits to be notified. No errors. Cancel: stops waiting and takes no notification; one that
  /// came before the cancel is delivered.
  [[nodiscard]] QueueOp<detail::NotifyRequest> wait() noexcept;
  /// The same without waiting: takes the notification that was kept, if there is one.
  [[nodiscard]] bool try_wait() noexcept {
    // Acquire: pairs with the release in notify_one().
    return word_.replace(is, is_not, std::memory_order_acquire);
  }
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on a thread
  /// that runs tasks.
  void blocking_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::NotifyRequest;
  // Whether a notification is kept.
  static constexpr std::uintptr_t is_not = 0;
  static constexpr std::uintptr_t is = 1;

  detail::WaitableWord word_;
};

namespace detail {

/// How QueueOp waits for a notification.
class NotifyRequest {
 public:
  using Node = Waiter;
  explicit NotifyRequest(Notify& notify) noexcept : notify_(&notify) {}

  [[nodiscard]] bool take(Node&) noexcept { return notify_->try_wait(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return notify_->word_.withdraw(node); }
  void result(Node&) noexcept {}

 private:
  Notify* notify_;
};

}  // namespace detail

inline QueueOp<detail::NotifyRequest> Notify::wait() noexcept {
  return QueueOp<detail::NotifyRequest>(detail::NotifyRequest(*this));
}

}  // namespace weft::inline v0_1
