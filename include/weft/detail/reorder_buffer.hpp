// ReorderBuffer<T>: a buffer between the tasks that produce a stream's items ahead of time and the
// task that consumes them. For merge() and buffered() of <weft/streams_ahead.hpp>.
//
// Items have places 0, 1, 2 …; they are put in any order and taken in the order of places. A place
// is assigned when the item is put (merge: first come, first served) or beforehand (buffered, in
// order). A producer first takes a permit of room(). The consumer releases the permit when it has
// taken the item. So there are never more than `room` items in the buffer and in production.
//
// Thread-safe: any number of producers, one consumer. No allocation after construction.
#pragma once

#include <weft/atomic.hpp>
#include <weft/outcome.hpp>
#include <weft/semaphore.hpp>

#include <cstddef>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

namespace weft::inline v0_1::detail {

/// T: as in a Task's result; not void.
template <class T>
class ReorderBuffer {
 public:
  ReorderBuffer(std::size_t room, std::size_t producers)
      : room_(room), slots_(2 * room + 1), producers_(producers) {}

  [[nodiscard]] Semaphore& room() noexcept { return room_; }
  /// One permit for each item that can be taken.
  [[nodiscard]] Semaphore& ready() noexcept { return ready_; }

  /// Puts an item, or an error, at its place. A cancelled outcome is the end of the stream.
  void put(std::size_t place, Outcome<T> outcome) noexcept {
    std::unique_lock lock(mutex_);
    fill(place, outcome);
    const std::size_t more = publish();
    lock.unlock();
    if (more > 0) ready_.release(more);
  }
  /// The same at the next free place.
  void put(Outcome<T> outcome) noexcept {
    {
      const std::lock_guard lock(mutex_);
      fill(last_++, outcome);
      published_ = last_;
    }
    ready_.release();
  }

  /// For producers that put without places: one more produces, or one has ended. The stream ends
  /// with the last one.
  void join() noexcept {
    producers_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller is a producer
  }
  void leave() noexcept {
    // Acquire-release: the end is put after everything that the other producers have put.
    if (producers_.fetch_sub(1, std::memory_order_acq_rel) == 1) put(Outcome<T>());
  }
  /// No task produces any more. A consumer that waits for more gets `error`; null:
  /// operation_canceled.
  void close(std::exception_ptr error) noexcept {
    {
      const std::lock_guard lock(mutex_);
      error_ = std::move(error);
    }
    ready_.release();
  }

  /// Returns the next outcome; an error if the buffer was closed instead. Precondition: the caller
  /// has taken a permit of ready().
  [[nodiscard]] Outcome<T> take() noexcept {
    const std::lock_guard lock(mutex_);
    Outcome<T> taken;
    if (first_ == published_) {
      taken.set_error(error_ != nullptr ? error_ : cancelled_error());
      return taken;
    }
    Slot& slot = slot_of(first_++);
    taken.take_over(slot.outcome);
    Outcome<T> nothing;
    slot.outcome.take_over(nothing);
    slot.filled = false;
    return taken;
  }

 private:
  struct Slot {
    Outcome<T> outcome;
    bool filled = false;
  };
  [[nodiscard]] Slot& slot_of(std::size_t place) noexcept { return slots_[place % slots_.size()]; }
  void fill(std::size_t place, Outcome<T>& outcome) noexcept {
    slot_of(place).outcome.take_over(outcome);
    slot_of(place).filled = true;
  }
  /// Advances published_ over filled slots; returns the number of items that became takeable.
  [[nodiscard]] std::size_t publish() noexcept {
    const std::size_t before = published_;
    while (published_ - first_ < slots_.size() && slot_of(published_).filled) ++published_;
    return published_ - before;
  }
  static std::exception_ptr cancelled_error() noexcept {
    return exception_of([] { return CancelledJoin("stream"); });
  }

  Semaphore room_;
  Semaphore ready_{0};
  ThreadMutex mutex_;
  // 2 * room + 1 slots: errors, and the end, take a place without a permit. Guarded by mutex_.
  std::vector<Slot> slots_;
  std::size_t first_ = 0;      // the next to take; guarded by mutex_, as are the next three
  std::size_t published_ = 0;  // there is no gap before it
  std::size_t last_ = 0;       // the next free place
  std::exception_ptr error_;
  Atomic<std::size_t> producers_;
};

/// Closes a buffer in its destructor, however its producers end.
template <class T>
class ReorderBufferCloser {
 public:
  explicit ReorderBufferCloser(ReorderBuffer<T>& buffer) noexcept : buffer_(buffer) {}
  ReorderBufferCloser(const ReorderBufferCloser&) = delete;
  ReorderBufferCloser& operator=(const ReorderBufferCloser&) = delete;
  ~ReorderBufferCloser() { buffer_.close(std::move(error_)); }
  void note(std::exception_ptr error) noexcept { error_ = std::move(error); }

 private:
  ReorderBuffer<T>& buffer_;
  std::exception_ptr error_;
};

}  // namespace weft::inline v0_1::detail
