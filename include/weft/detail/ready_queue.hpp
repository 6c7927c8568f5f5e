// ReadyQueue and ReadyNode: which of many child futures were woken. What join, race and FutureSet
// poll by, and others who hold futures and poll them: a child is polled only after it was woken.
//
// Each child has a node, and is polled with the node's waker. A wake of it, on any thread, puts the
// node into the queue and wakes the waker that the queue itself was last polled with. The owner of
// the queue, in its own poll:
//
//   queue.begin_poll(cx);                        // registers cx's waker, then takes what was woken
//   while (ReadyNode* node = queue.pop()) {
//     …; child.poll(node's context); …
//     queue.done_with(*node);
//   }
//
// Nodes that are woken from here on come with the next poll, for which the queue's waker was woken:
// so a child that wakes itself does not keep its siblings waiting.
//
// Memory: a node lies in a CountedBlock, which is held by its owner, by each copy of the node's
// waker, and by the queue while the node is in it. The queue lies in one too, which the nodes'
// block holds or is.
//
// The queue is a list that producers push to and the one consumer takes as a whole (Treiber's
// stack without pop, so without its ABA problem), turned around there to be in order.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/atomic_waker.hpp>
#include <weft/future.hpp>
#include <weft/waker.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

/// Memory that is given back when nobody holds it any more. Made with one hold.
class CountedBlock {
 public:
  using Destroy = void (*)(CountedBlock&) noexcept;

  explicit CountedBlock(Destroy destroy) noexcept : destroy_(destroy) {}
  CountedBlock(const CountedBlock&) = delete;
  CountedBlock& operator=(const CountedBlock&) = delete;

  // Relaxed: who holds it may hold it once more; nothing is published by that.
  void hold() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // Release: what this holder did comes before the end. Acquire: whoever ends it has seen all.
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
  }

 protected:
  ~CountedBlock() = default;

 private:
  Destroy destroy_;
  Atomic<std::uint32_t> holds_{1};
};

class ReadyQueue;

/// One child's place in the queue, in at most once.
class ReadyNode {
 public:
  /// `block` is the memory that the node lies in.
  ReadyNode(ReadyQueue& queue, CountedBlock& block) noexcept : queue_(queue), block_(block) {}
  ReadyNode(const ReadyNode&) = delete;
  ReadyNode& operator=(const ReadyNode&) = delete;

  /// Puts it into the queue, unless it is there, and wakes the queue's waker. Any thread that has a
  /// hold of the block.
  void wake() noexcept;
  /// The waker to poll the child with. Its handle is the owner's hold of the block.
  [[nodiscard]] RawWaker waker() noexcept { return {this, &vtable}; }

 private:
  friend class ReadyQueue;
  static const WakerVTable vtable;

  ReadyQueue& queue_;
  CountedBlock& block_;
  ReadyNode* next_ = nullptr;   // the producer's that has set `queued_`, then the queue's
  Atomic<bool> queued_{false};  // set by the wake that pushes, cleared before the child is polled
};

/// `wake()` of nodes: any thread. Everything else: the one who polls.
class ReadyQueue {
 public:
  ReadyQueue() noexcept = default;
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  /// Registers the waker of `cx`, and takes in what was woken up to now. Throws as
  /// AtomicWaker::register_waker().
  void begin_poll(Context& cx);
  /// The next node that was woken, or null. From now on it can be woken again; it is the caller's
  /// until done_with().
  [[nodiscard]] ReadyNode* pop() noexcept;
  /// Gives up the queue's hold of a node that was popped.
  void done_with(ReadyNode& node) noexcept { node.block_.release(); }

  /// Lets go of everything: of the nodes in the queue, and of the registered waker. Wakes from now
  /// on do nothing. Idempotent.
  void close() noexcept;

 private:
  friend class ReadyNode;
  [[nodiscard]] bool push(ReadyNode& node) noexcept;
  void take_in(ReadyNode* newest_first) noexcept;
  [[nodiscard]] static ReadyNode* closed() noexcept;

  AtomicWaker waker_;
  Atomic<ReadyNode*> pushed_{nullptr};  // newest first; or closed(), and then for good
  ReadyNode* first_ = nullptr;          // taken in, oldest first; the consumer's alone
  ReadyNode* last_ = nullptr;           // valid while there is a first
};

}  // namespace weft::detail
