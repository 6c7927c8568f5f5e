// Injector: the queue through which Runnables reach the workers from outside, and into which a full
// local queue spills. First in, first out. Thread-safe: a mutex guards the queue. The length is
// also an atomic, so that workers, which look here often and rarely find anything, do not lock the
// mutex for that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <weft/atomic.hpp>

#include "base/intrusive_queue.hpp"

namespace weft::inline v0_1::detail {

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

  /// The same for all of `batch`, which is empty afterwards; unchanged if the injector is closed.
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

  /// Takes nothing more; what is inside can still be popped. True for the call that closed it.
  bool close() {
    const std::lock_guard lock(mutex_);
    const bool was_open = !closed_;
    closed_ = true;
    closed_hint_.store(true, std::memory_order_release);
    return was_open;
  }

  /// Acquire: what was done before close() is visible to a thread that sees true.
  [[nodiscard]] bool closed() const noexcept {
    return closed_hint_.load(std::memory_order_acquire);
  }

  /// The length at some moment during the call. Relaxed: it is only a hint, the elements are read
  /// under the mutex. A worker about to park calls it after it counts as parked and a seq_cst
  /// fence; a thread that has pushed fences before its look at the counts (IdleSet). Then one of
  /// them sees the other.
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
  alignas(64) Atomic<std::size_t> length_{0};  // written under mutex_, read by any thread
};

}  // namespace weft::inline v0_1::detail
