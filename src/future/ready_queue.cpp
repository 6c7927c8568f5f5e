#include <weft/detail/ready_queue.hpp>

#include <utility>

namespace weft::inline v0_1::detail {

constinit const WakerVTable ReadyNode::vtable{
    .clone =
        [](void* data) {
          static_cast<ReadyNode*>(data)->block_.hold();
          return RawWaker{data, &vtable};
        },
    .wake =
        [](void* data) noexcept {
          auto& node = *static_cast<ReadyNode*>(data);
          node.wake();
          node.block_.release();
        },
    .wake_by_ref = [](void* data) noexcept { static_cast<ReadyNode*>(data)->wake(); },
    .drop = [](void* data) noexcept { static_cast<ReadyNode*>(data)->block_.release(); },
};

void ReadyNode::wake() noexcept {
  // Release: pairs with the acquire in pop(), so that the poll sees what led to this wake even if
  // it coalesces with another one. Acquire: pairs with the release in pop(), after which next_
  // belongs to this thread.
  if (queued_.exchange(true, std::memory_order_acq_rel)) return;
  block_.hold();  // the queue's reference
  if (queue_.push(*this)) {
    queue_.waker_.wake();
  } else {
    block_.release();
  }
}

ReadyNode* ReadyQueue::closed() noexcept {
  // SAFETY: never dereferenced; no node has this address.
  return reinterpret_cast<ReadyNode*>(std::uintptr_t{1});
}

bool ReadyQueue::push(ReadyNode& node) noexcept {
  ReadyNode* head = pushed_.load(std::memory_order_relaxed);
  do {
    if (head == closed()) return false;
    node.next_ = head;
    // Release: pairs with the acquire exchange in begin_poll() and close(), which follow the links.
    // Relaxed load, and on failure: the value is only the head to link to, or closed().
  } while (!pushed_.compare_exchange_weak(head, &node, std::memory_order_release,
                                          std::memory_order_relaxed));
  return true;
}

void ReadyQueue::begin_poll(Context& cx) {
  waker_.register_waker(cx.waker());  // first: a later push wakes this waker
  // Relaxed: a push that is not seen here comes before its wake, which finds the registered waker.
  if (pushed_.load(std::memory_order_relaxed) == nullptr) return;
  // Acquire: pairs with the release in push().
  take_in(pushed_.exchange(nullptr, std::memory_order_acquire));
}

void ReadyQueue::take_in(ReadyNode* newest_first) noexcept {
  ReadyNode* oldest_first = nullptr;
  ReadyNode* const newest = newest_first;
  while (newest_first != nullptr) {
    ReadyNode* const node = newest_first;
    newest_first = std::exchange(node->next_, oldest_first);
    oldest_first = node;
  }
  if (first_ == nullptr) {
    first_ = oldest_first;
  } else {
    last_->next_ = oldest_first;
  }
  last_ = newest;
}

ReadyNode* ReadyQueue::pop() noexcept {
  ReadyNode* const node = first_;
  if (node == nullptr) return nullptr;
  first_ = node->next_;
  // Acquire: pairs with the release in wake(): the poll that follows sees what preceded every wake
  // up to here. Release: the next wake() may write next_.
  node->queued_.exchange(false, std::memory_order_acq_rel);
  return node;
}

void ReadyQueue::close() noexcept {
  // Acquire: pairs with the release in push().
  ReadyNode* const left = pushed_.exchange(closed(), std::memory_order_acquire);
  if (left == closed()) return;
  if (left != nullptr) take_in(left);
  // They stay marked as queued, so no wake pushes them again.
  while (first_ != nullptr) std::exchange(first_, first_->next_)->block_.release();
  (void)waker_.take();
}

}  // namespace weft::inline v0_1::detail
