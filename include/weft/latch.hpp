// Latch: goes down to zero, once, and lets those who wait for that go on.
//
//   weft::Latch started(3);
//   …
//   started.count_down();                // each of the three, when it is ready
//   …
//   co_await started.wait();             // in a fiber: await(started.wait())
//
// Thread-safe: counted down from any thread, of a runtime or not. Waiting takes no memory.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>

namespace weft {

namespace detail {
class ArriveAtLatchRequest;
class LatchRequest;
}  // namespace detail

namespace detail {

class LatchRequest;
class ArriveAtLatchRequest;

}  // namespace detail

class Latch {
 public:
  /// The largest count.
  static constexpr std::size_t most = SIZE_MAX >> 1;

  /// Precondition: at most `most`. A latch of 0 is ready.
  explicit Latch(std::size_t count) noexcept;
  /// Nobody may be waiting, nor being cancelled while he waited. Whoever went on because it was
  /// ready may destroy it, even if the last count_down() has not returned.
  ~Latch();

  /// Takes `count` off; those who wait are woken by the one who reaches zero. What came before a
  /// count_down() is seen by those who go on. Precondition: at most what is left.
  void count_down(std::size_t count = 1) noexcept;
  /// Whether it has reached zero.
  [[nodiscard]] bool ready() const noexcept {
    // Acquire: pairs with the release in count_down().
    return word_.number(std::memory_order_acquire) == 0;
  }

  /// Waits until it is ready. No errors. Cancel: stops waiting.
  [[nodiscard]] QueueOp<detail::LatchRequest> wait() noexcept;
  /// Counts down by one, and waits. Cancel: before it has begun, neither; later it stops waiting,
  /// and what was counted remains so.
  [[nodiscard]] QueueOp<detail::ArriveAtLatchRequest> arrive_and_wait() noexcept;
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  void blocking_wait();
  void blocking_arrive_and_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::LatchRequest;
  friend class detail::ArriveAtLatchRequest;

  [[nodiscard]] bool count_down_awaited(std::size_t count, ServedList& served) noexcept;

  detail::WaitableWord word_;
};

namespace detail {

/// How QueueOp waits for a latch.
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

/// The same, and counts down as it comes.
class ArriveAtLatchRequest : public LatchRequest {
 public:
  explicit ArriveAtLatchRequest(Latch& latch) noexcept : LatchRequest(latch) {}
  /// Only as the last, whom nobody awaits.
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

}  // namespace weft
