#include "task/pinned_queue.hpp"

#include <utility>

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] PinnedQueue* PinnedQueue::current() noexcept { return thread_context().pinned; }

void PinnedQueue::schedule(Runnable& work) noexcept {
  if (current() == this) {
    push(work);
    return;
  }
  // Once pushed, the work may run, and end the runtime before this thread has left this function.
  TaskExecutor& shared = shared_;
  shared.hold();
  Runnable* first = inbox_.load(std::memory_order_relaxed);
  do {
    work.next = first;
    // Release: the owner sees the work as it is here. Pairs with take_inbox().
  } while (!inbox_.compare_exchange_weak(first, &work, std::memory_order_release,
                                         std::memory_order_relaxed));
  // The owner sets sleeping_ and then looks into the inbox; this thread has pushed and then reads
  // sleeping_. With a fence between in both, one of the two sees the other.
  atomic_fence(std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_relaxed) &&
      sleeping_.exchange(false, std::memory_order_relaxed)) {
    wake_owner();
  }
  shared.release();
}

void PinnedQueue::defer(Runnable& work) noexcept {
  if (current() == this && demote(work)) return;
  schedule(work);
}

bool PinnedQueue::prepare_sleep() noexcept {
  if (first_ != nullptr) return false;
  sleeping_.store(true, std::memory_order_relaxed);
  atomic_fence(std::memory_order_seq_cst);  // pairs with the one in schedule()
  if (inbox_.load(std::memory_order_relaxed) == nullptr) return true;
  awake();
  return false;
}

void PinnedQueue::take_inbox() noexcept {
  // Acquire: pairs with the release in schedule(); a later push is a read-modify-write upon it.
  Runnable* newest_first = inbox_.exchange(nullptr, std::memory_order_acquire);
  Runnable* oldest_first = nullptr;
  while (newest_first != nullptr) {
    Runnable* const work = std::exchange(newest_first, newest_first->next);
    work->next = std::exchange(oldest_first, work);
  }
  while (oldest_first != nullptr) push(*std::exchange(oldest_first, oldest_first->next));
}

}  // namespace weft::inline v0_1::detail
