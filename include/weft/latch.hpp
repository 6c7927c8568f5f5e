// Latch: counts down to zero, once, and releases its waiters then.
//
//   weft::Latch started(3);
//   …
//   started.count_down();                // each of the three, when it is ready
//   …
//   co_await started.wait();             // in a fiber: await(started.wait())
//
// Thread-safe: any thread may count down, whether it works for a runtime or not. Waiting allocates
// nothing.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>

namespace weft::inline v0_1 {

namespace detail {
class ArriveAtLatchRequest;
class LatchRequest;
}  // namespace detail

class Latch {
 public:
  /// The largest count.
  static constexpr std::size_t most = SIZE_MAX >> 1;

  /// Precondition: `count` is at most `most`. A latch of 0 is ready.
  explicit Latch(std::size_t count) noexcept;
  /// Precondition: no task is waiting, nor in a cancelled wait that has not ended. A task that
  /// continued because the latch was ready may destroy it, even if the last count_down() has not
  /// returned.
  ~Latch();

  /// Decrements the counter by `count`. The call that reaches zero wakes all waiters. What happened
  /// before a count_down() is visible to the released waiters. Precondition: `count` is at most the
  /// remaining count.
  void count_down(std::size_t count = 1) noexcept;
  /// Returns whether the latch has reached zero.
  [[nodiscard]] bool ready() const noexcept {
    // Acquire: pairs with the release in count_down().
    return word_.number(std::memory_order_acquire) == 0;
  }

  /// Waits until the latch is ready. No errors. Cancel: stops waiting.
  [[nodiscard]] QueueOp<detail::LatchRequest> wait() noexcept;
  /// Counts down by one and waits. Cancel: before it has begun, it does neither; later it stops
  /// waiting, and the decrement remains.
  [[nodiscard]] QueueOp<detail::ArriveAtLatchRequest> arrive_and_wait() noexcept;
  /// Do the same, blocking the calling thread. Throw std::logic_error on a thread that runs tasks.
  void blocking_wait();
  void blocking_arrive_and_wait();

  /// Returns the number of waiters. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::LatchRequest;
  friend class detail::ArriveAtLatchRequest;

  [[nodiscard]] bool count_down_awaited(std::size_t count, ServedList& served) noexcept;

  detail::WaitableWord word_;
};

namespace detail {

/// The request of Latch::wait(), for QueueOp.
class LatchRequest {
 public:
  using Node = Waiter;
  explicit LatchRequest(Latch& latch) noexcept : latch_(&latch) {}

  [[nodiscard]] bool take(Node&) noexcept { return latch_->ready(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return latch_->word_.withdraw(node); }
  void result(Node&) noexcept {}

 protected:
  Latch* latch_;
};

/// The request of Latch::arrive_and_wait(): counts down when it begins to wait.
class ArriveAtLatchRequest : public LatchRequest {
 public:
  explicit ArriveAtLatchRequest(Latch& latch) noexcept : LatchRequest(latch) {}
  /// Takes only the last count, and only if there are no waiters.
  [[nodiscard]] bool take(Node&) noexcept {
    return latch_->word_.replace(1, 0, std::memory_order_acq_rel);
  }
  [[nodiscard]] Queued queue(Node& node) noexcept;
};

}  // namespace detail

inline QueueOp<detail::LatchRequest> Latch::wait() noexcept {
  return QueueOp<detail::LatchRequest>(detail::LatchRequest(*this));
}
inline QueueOp<detail::ArriveAtLatchRequest> Latch::arrive_and_wait() noexcept {
  return QueueOp<detail::ArriveAtLatchRequest>(detail::ArriveAtLatchRequest(*this));
}

}  // namespace weft::inline v0_1
