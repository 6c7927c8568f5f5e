// Barrier: a fixed number of participants wait for each other, round after round.
//
//   weft::Barrier barrier(4);
//   …
//   const bool leader = co_await barrier.arrive_and_wait();   // in a fiber: await(…)
//   if (leader) print_the_round();                            // one of the four
//
// Thread-safe. Tasks, fibers and threads may take part together. Waiting allocates nothing.
#pragma once

#include <weft/extend/queue_op.hpp>

#include <cstddef>

namespace weft::inline v0_1 {

namespace detail {
class BarrierRequest;
}  // namespace detail

class Barrier {
 public:
  /// Precondition: at least one participant.
  explicit Barrier(std::size_t participants) noexcept;
  /// Precondition: no participant is waiting, nor in a cancelled wait that has not ended. A
  /// participant that was released may destroy the barrier, even if the one that released it has
  /// not returned from its wait.
  ~Barrier();

  /// Arrives and waits until all participants have arrived. Returns whether the caller is the
  /// leader of the round, which is the last to arrive. Then the next round begins. What each
  /// participant did before is visible to all. No errors. Cancel: takes the arrival back. If the
  /// round was complete before the cancel, the participant continues.
  [[nodiscard]] QueueOp<detail::BarrierRequest> arrive_and_wait() noexcept;
  /// Does the same, blocking the calling thread. Throws std::logic_error on a thread that runs
  /// tasks.
  bool blocking_arrive_and_wait();

  [[nodiscard]] std::size_t participants() const noexcept { return participants_; }
  /// Returns the number of participants that have arrived and wait. It may have changed by the time
  /// it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  friend class detail::BarrierRequest;

  class Node : public Waiter {
   public:
    explicit Node(Wake how) noexcept : Waiter(how) {}
    bool leads = false;  ///< written before the node is served

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

/// The request of Barrier::arrive_and_wait(), for QueueOp.
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

}  // namespace weft::inline v0_1
