// Barrier: a number of participants who wait for each other, round after round.
//
//   weft::Barrier barrier(4);
//   …
//   const bool leader = co_await barrier.arrive_and_wait();   // in a fiber: await(…)
//   if (leader) print_the_round();                            // one of the four
//
// Thread-safe; tasks, fibers and threads may take part together. Waiting takes no memory.
#pragma once

#include <weft/extend/queue_op.hpp>

#include <cstddef>

namespace weft {

namespace detail {
class BarrierRequest;
}  // namespace detail

namespace detail {

class BarrierRequest;

}  // namespace detail

class Barrier {
 public:
  /// Precondition: at least one participant.
  explicit Barrier(std::size_t participants) noexcept;
  /// Nobody may be waiting, nor being cancelled while he waited. Whoever went on may destroy it,
  /// even if the one who let him has not returned from its wait.
  ~Barrier();

  /// Arrives, and waits until all participants have. Gives whether it is the leader of the round:
  /// the last to arrive. Then the next round begins. What each did before is seen by all. No
  /// errors. Cancel: takes the arrival back, as if it had not come; if the round was complete
  /// before the cancel came, it goes on.
  [[nodiscard]] QueueOp<detail::BarrierRequest> arrive_and_wait() noexcept;
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  bool blocking_arrive_and_wait();

  [[nodiscard]] std::size_t participants() const noexcept { return participants_; }
  /// How many have arrived and wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  friend class detail::BarrierRequest;

  class Node : public Waiter {
   public:
    explicit Node(Wake how) noexcept : Waiter(how) {}
    bool leads = false;  ///< written before it is served

   protected:
    ~Node() = default;
  };

  [[nodiscard]] Queued arrive(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept;

  const std::size_t participants_;
  mutable ThreadMutex mutex_;
  WaiterList waiters_;  // guarded by mutex_; all are Nodes
};

namespace detail {

/// How QueueOp waits at a barrier.
class BarrierRequest {
 public:
  using Node = Barrier::Node;
  explicit BarrierRequest(Barrier& barrier) noexcept : barrier_(&barrier) {}

  [[nodiscard]] bool take(Node&) noexcept { return false; }
  [[nodiscard]] Queued queue(Node& node) noexcept { return barrier_->arrive(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return barrier_->withdraw(node); }
  [[nodiscard]] bool result(Node& node) noexcept { return node.leads; }

 private:
  Barrier* barrier_;
};

}  // namespace detail

inline QueueOp<detail::BarrierRequest> Barrier::arrive_and_wait() noexcept {
  return QueueOp<detail::BarrierRequest>(detail::BarrierRequest(*this));
}

}  // namespace weft
