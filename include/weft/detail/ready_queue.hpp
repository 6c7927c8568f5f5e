// ReadyQueue and ReadyNode: the child futures that were woken. Used by join, race and FutureSet,
// and by other holders of several futures: a child is polled only after it was woken.
//
// Each child has a node and is polled with the node's waker. A wake of it, on any thread, puts the
// node into the queue and wakes the waker with which the queue was last polled. The owner of the
// queue, in its own poll:
//
//   queue.begin_poll(cx);                       // registers cx's waker, then takes the woken nodes
//   while (ReadyNode* node = queue.pop()) {
//     poll_child_of(*node);                     // with the context of the node
//     queue.done_with(*node);
//   }
//
// A node that is woken after begin_poll() comes with the next poll, for which the queue's waker was
// woken. So a child that wakes itself does not delay its siblings.
//
// Memory: a node is part of a CountedBlock. References to the block: one of its owner, one of each
// copy of the node's waker, and one of the queue while the node is in it. The queue is in such a
// block too: in that of the nodes, or in one that the nodes' block keeps.
//
// The queue is a list that producers push to and the one consumer takes as a whole (Treiber's stack
// without pop, hence without its ABA problem). The consumer reverses it to get the order of the
// wakes.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/atomic_waker.hpp>
#include <weft/future.hpp>
#include <weft/waker.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1::detail {

/// Memory with a reference count; starts with one reference.
class CountedBlock {
 public:
  using Destroy = void (*)(CountedBlock&) noexcept;

  explicit CountedBlock(Destroy destroy) noexcept : destroy_(destroy) {}
  CountedBlock(const CountedBlock&) = delete;
  CountedBlock& operator=(const CountedBlock&) = delete;

  // Relaxed: the caller has a reference; nothing is published.
  void hold() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // Release: what this holder did happens before the destruction. Acquire: the destroying thread
    // sees the accesses of all holders.
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
  }

 protected:
  ~CountedBlock() = default;

 private:
  Destroy destroy_;
  Atomic<std::uint32_t> holds_{1};
};

class ReadyQueue;

/// One child's node; in the queue at most once.
class ReadyNode {
 public:
  /// `block` is the memory that contains the node.
  ReadyNode(ReadyQueue& queue, CountedBlock& block) noexcept : queue_(queue), block_(block) {}
  ReadyNode(const ReadyNode&) = delete;
  ReadyNode& operator=(const ReadyNode&) = delete;

  /// Puts the node into the queue, unless it is there, and wakes the queue's waker. Any thread that
  /// has a reference to the block.
  void wake() noexcept;
  /// The waker to poll the child with. Its handle is the owner's reference to the block.
  [[nodiscard]] RawWaker waker() noexcept { return {this, &vtable}; }

 private:
  friend class ReadyQueue;
  static const WakerVTable vtable;

  ReadyQueue& queue_;
  CountedBlock& block_;
  ReadyNode* next_ = nullptr;   // belongs to the producer that set queued_, then to the queue
  Atomic<bool> queued_{false};  // set by the wake that pushes, cleared before the child is polled
};

/// Thread-safety: wake() of nodes on any thread; everything else by the polling thread.
class ReadyQueue {
 public:
  ReadyQueue() noexcept = default;
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  /// Registers the waker of `cx` and takes the nodes woken so far. Throws what
  /// AtomicWaker::register_waker() throws.
  void begin_poll(Context& cx);
  /// Returns the next woken node, or null. It can be woken again from now on. It stays valid for
  /// the caller until done_with().
  [[nodiscard]] ReadyNode* pop() noexcept;
  /// Drops the queue's reference to a popped node.
  void done_with(ReadyNode& node) noexcept { node.block_.release(); }

  /// Drops the nodes in the queue and the registered waker. Later wakes do nothing. Idempotent.
  void close() noexcept;

 private:
  friend class ReadyNode;
  [[nodiscard]] bool push(ReadyNode& node) noexcept;
  void take_in(ReadyNode* newest_first) noexcept;
  [[nodiscard]] static ReadyNode* closed() noexcept;

  AtomicWaker waker_;
  Atomic<ReadyNode*> pushed_{nullptr};  // newest first; or closed(), which is final
  ReadyNode* first_ = nullptr;          // oldest first; of the consumer alone
  ReadyNode* last_ = nullptr;           // valid while first_ is not null
};

}  // namespace weft::inline v0_1::detail
