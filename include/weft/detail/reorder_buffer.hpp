// ReorderBuffer<T>: what lies between those that produce a stream's items ahead of time and the one
// that consumes them. For merge() and buffered() of <weft/streams_ahead.hpp>, which say what it is
// for.
//
// Items have places: 0, 1, 2 …; they are put there in any order, and taken in order. A place may be
// asked for when the item is put (merge: first come, first served) or beforehand (buffered, in
// order). Who produces has first taken a permit of room(), which the consumer gives back when he
// has taken the item: so there are never more than `room` items here and in the making.
//
// Thread-safe: any number that put, one that takes. No allocation after construction.
#pragma once

#include <weft/atomic.hpp>
#include <weft/outcome.hpp>
#include <weft/semaphore.hpp>

#include <cstddef>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

namespace weft::detail {

/// T: as of a Task's result; not void.
template <class T>
class ReorderBuffer {
 public:
  ReorderBuffer(std::size_t room, std::size_t producers)
      : room_(room), slots_(2 * room + 1), producers_(producers) {}

  [[nodiscard]] Semaphore& room() noexcept { return room_; }
  /// A permit for each item that can be taken.
  [[nodiscard]] Semaphore& ready() noexcept { return ready_; }

  /// An item, or an error, at its place. A cancelled outcome is the end of the stream.
  void put(std::size_t place, Outcome<T> outcome) noexcept {
    std::unique_lock lock(mutex_);
    fill(place, outcome);
    const std::size_t more = publish();
    lock.unlock();
    if (more > 0) ready_.release(more);
  }
  /// The same at the next place that nobody has.
  void put(Outcome<T> outcome) noexcept {
    {
      const std::lock_guard lock(mutex_);
      fill(last_++, outcome);
      published_ = last_;
    }
    ready_.release();
  }

  /// For those that put without places: one more produces, or has ended. When the last one has, the
  /// stream ends.
  void join() noexcept {
    producers_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller is one of them
  }
  void leave() noexcept {
    // Acquire-release: the end is put after all that the others have put.
    if (producers_.fetch_sub(1, std::memory_order_acq_rel) == 1) put(Outcome<T>());
  }
  /// Nobody produces any more: whoever waits for more gets `error`, or that it was cancelled.
  void close(std::exception_ptr error) noexcept {
    {
      const std::lock_guard lock(mutex_);
      error_ = std::move(error);
    }
    ready_.release();
  }

  /// With a permit of ready(): the next outcome. It is an error if the buffer was closed instead.
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
  /// How many more can be taken, as there is no gap before them.
  [[nodiscard]] std::size_t publish() noexcept {
    const std::size_t before = published_;
    while (published_ - first_ < slots_.size() && slot_of(published_).filled) ++published_;
    return published_ - before;
  }
  static std::exception_ptr cancelled_error() noexcept {
    return std::make_exception_ptr(
        IoError(std::make_error_code(std::errc::operation_canceled), "stream"));
  }

  Semaphore room_;
  Semaphore ready_{0};
  ThreadMutex mutex_;
  // Twice the room and one: errors, and the end, take a place without a permit. Guarded by mutex_.
  std::vector<Slot> slots_;
  std::size_t first_ = 0;      // the next to be taken; guarded by mutex_, and so are the next three
  std::size_t published_ = 0;  // before it there is no gap
  std::size_t last_ = 0;       // the next place that nobody has
  std::exception_ptr error_;
  Atomic<std::size_t> producers_;
};

/// Closes a buffer at the end of those who produce for it, however they end.
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

}  // namespace weft::detail
