// ManualResetEvent: something has happened, and what waits for it goes on.
//
//   weft::ManualResetEvent ready;
//   co_await ready.wait();      // in a fiber: await(ready.wait())
//   …
//   ready.set();                // all go on, and later waits do not wait, until reset()
//
// For an event that lets one wait pass each time: Notify (<weft/notify.hpp>).
//
// Thread-safe: set from any thread, of a runtime or not. Waiting takes no memory, and waiters go on
// in the order in which they came.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1 {

namespace detail {
class EventRequest;
}  // namespace detail

/// Stays set until it is reset.
class ManualResetEvent {
 public:
  /// Is not set.
  ManualResetEvent() noexcept : ManualResetEvent(false) {}
  explicit ManualResetEvent(bool set) noexcept : word_(set ? is : is_not) {}
  /// No wait may be under way, nor a cancel of one. What a set() has woken may destroy the event,
  /// even if that set() has not returned.
  ~ManualResetEvent();

  /// Sets it, and wakes all waiters. What came before a set() is seen by the waits that it ends.
  void set() noexcept;
  /// Later waits wait again. Waiters that were woken go on all the same.
  void reset() noexcept;
  [[nodiscard]] bool is_set() const noexcept {
    // Acquire: pairs with the release in set().
    return word_.number(std::memory_order_acquire) == is;
  }

  /// Waits until it is set. No errors. Cancel: stops waiting.
  [[nodiscard]] QueueOp<detail::EventRequest> wait() noexcept;
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on a thread
  /// that runs tasks.
  void blocking_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::EventRequest;
  static constexpr std::uintptr_t is_not = 0;
  static constexpr std::uintptr_t is = 1;

  detail::WaitableWord word_;
};

namespace detail {

/// How QueueOp waits for an event.
class EventRequest {
 public:
  using Node = Waiter;
  explicit EventRequest(ManualResetEvent& event) noexcept : event_(&event) {}

  [[nodiscard]] bool take(Node&) noexcept { return event_->is_set(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return event_->word_.withdraw(node); }
  void result(Node&) noexcept {}

 private:
  ManualResetEvent* event_;
};

}  // namespace detail

inline QueueOp<detail::EventRequest> ManualResetEvent::wait() noexcept {
  return QueueOp<detail::EventRequest>(detail::EventRequest(*this));
}

}  // namespace weft::inline v0_1
