// ReadySet: the wakers of a fixed number of child futures that are polled together. The base of
// join, try_join and race, made of a ReadyQueue (<weft/detail/ready_queue.hpp>).
#pragma once

#include <weft/detail/ready_queue.hpp>

#include <cstddef>

namespace weft::inline v0_1::detail {

/// Used by the polling thread. Movable until its first poll, as futures are.
class ReadySet {
 public:
  ReadySet() noexcept = default;
  /// Aborts if the other was polled already: that breaks a rule of the poll protocol.
  ReadySet(ReadySet&& other) noexcept {
    if (other.block_ != nullptr) poll_rule_broken("a future was moved after it had been polled");
  }
  ReadySet& operator=(ReadySet&&) = delete;
  ~ReadySet();

  /// Calls `poll_child(index, context)` for each child that was woken since its last poll, in the
  /// first poll for all, until a call returns false. `children` must be the same in each call.
  /// Throws std::bad_alloc in the first poll, and what `poll_child` throws.
  template <class PollChild>
  void poll(Context& cx, std::size_t children, PollChild poll_child) {
    begin_poll(cx, children);
    while (ReadyNode* const node = pop()) {
      const Turn turn(*this, *node);
      const BorrowedWaker waker(node->waker());
      Context child(waker.get());
      if (!poll_child(index_of(*node), child)) return;
    }
  }

 private:
  class Block;
  /// Drops the queue's reference to a node at the end of the node's turn.
  class Turn {
   public:
    Turn(ReadySet& group, ReadyNode& node) noexcept : group_(group), node_(node) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { group_.done_with(node_); }

   private:
    ReadySet& group_;
    ReadyNode& node_;
  };

  void begin_poll(Context& cx, std::size_t children);
  [[nodiscard]] ReadyNode* pop() noexcept;
  void done_with(ReadyNode& node) noexcept;
  [[nodiscard]] std::size_t index_of(const ReadyNode& node) const noexcept;

  Block* block_ = nullptr;  // from the first poll on
};

}  // namespace weft::inline v0_1::detail
