// The queue through which Runnables reach the workers from outside, and where a full local queue
// spills. Thread-safe: a mutex guards the queue. The length is also an atomic, so that workers,
// which look here often and rarely find anything, do not touch the mutex for that. Elements leave
// in the order in which they came.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <weft/atomic.hpp>

#include "base/intrusive_queue.hpp"

namespace weft::detail {

template <class T>
class Injector {
 public:
  Injector() noexcept = default;
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;

  /// False if the injector is closed; the element is still the caller's then.
  [[nodiscard]] bool push(T* element) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    queue_.push_back(element);
    publish_length();
    return true;
  }

  /// The same for all of `batch`, which is empty afterwards, or unchanged if the injector is
  /// closed.
  [[nodiscard]] bool push(IntrusiveQueue<T>& batch) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    queue_.splice_back(batch);
    publish_length();
    return true;
  }

  /// Null if there is nothing.
  [[nodiscard]] T* pop() {
    if (empty()) return nullptr;
    const std::lock_guard lock(mutex_);
    T* const element = queue_.pop_front();
    publish_length();
    return element;
  }

  /// Moves up to `count` elements to the end of `out`; returns how many.
  std::size_t pop(std::size_t count, IntrusiveQueue<T>& out) {
    if (empty() || count == 0) return 0;
    const std::lock_guard lock(mutex_);
    const std::size_t moved = std::min(count, queue_.size());
    queue_.move_front(count, out);
    publish_length();
    return moved;
  }

  /// Lets nothing more in; what is inside can still be popped. True for the call that closed it.
  bool close() {
    const std::lock_guard lock(mutex_);
    const bool was_open = !closed_;
    closed_ = true;
    closed_hint_.store(true, std::memory_order_release);
    return was_open;
  }

  /// Acquire: what was done before close() is visible to who sees this true.
  [[nodiscard]] bool closed() const noexcept {
    return closed_hint_.load(std::memory_order_acquire);
  }

  /// The length at some moment during the call. Relaxed: it is only a hint, the elements are read
  /// under the mutex. A worker about to sleep calls it after it has said so and a seq_cst fence;
  /// who pushes fences between the push and the look at the sleepers: then one of them sees the
  /// other.
  [[nodiscard]] std::size_t size() const noexcept {
    return length_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  void publish_length() noexcept { length_.store(queue_.size(), std::memory_order_relaxed); }

  ThreadMutex mutex_;
  IntrusiveQueue<T> queue_;  // guarded by mutex_
  bool closed_ = false;      // guarded by mutex_
  Atomic<bool> closed_hint_{false};
  alignas(64) Atomic<std::size_t> length_{0};  // written under mutex_, read by anyone
};

}  // namespace weft::detail
