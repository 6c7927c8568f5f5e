// Notify: wakes those who wait, and knows nothing of why. To build waiting into something that has
// a state and a lock of its own.
//
//   weft::Notify changed;
//   …
//   changed.notify_one();            // after a change, by whoever made it
//   …
//   co_await changed.wait();         // in a fiber: await(changed.wait())
//
// A notify_one() while nobody waits is kept for the next one who does, so what was missed between a
// look at the state and the wait is made up for: look again after each wait. notify_all() is for
// those alone who wait then. Thread-safe; waiting takes no memory.
#pragma once

#include <weft/manual_reset_event.hpp>

#include <cstddef>

namespace weft {

class Notify {
 public:
  Notify() noexcept : token_(false) {}
  /// Nobody may be waiting, nor being cancelled while he waited. Whoever was woken may destroy it,
  /// even if the call that woke him has not returned.
  ~Notify();

  /// Wakes the one that has waited longest. If nobody waits, the next wait() does not wait; two
  /// calls before it count as one. What came before the call is seen by the one who goes on.
  void notify_one() noexcept { token_.give(); }
  /// Wakes all who wait now. Keeps nothing for those who come later.
  void notify_all() noexcept { token_.give_to_all(); }

  /// Waits to be notified. No errors. Cancel: stops waiting and takes no notification; one that
  /// came before the cancel is delivered.
  [[nodiscard]] QueueOp<detail::TokenRequest> wait() noexcept {
    return QueueOp<detail::TokenRequest>(detail::TokenRequest(token_));
  }
  /// The same without waiting: takes the notification that was kept, if there is one.
  [[nodiscard]] bool try_wait() noexcept { return token_.take(); }
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  void blocking_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return token_.waiting(); }

 private:
  detail::Token token_;
};

}  // namespace weft
