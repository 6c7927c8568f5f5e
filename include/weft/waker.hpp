// Waker: the unit of notification: a counted, thread-safe handle of two words that makes one task
// runnable again. A leaf keeps a copy of the waker that it was polled with, and wakes it when there
// is progress. The leaf does not see the executor, nor the executor the leaf.
//
//   weft::Waker waker = cx.waker();                        // in poll(): keeps a copy
//   …
//   waker.wake_by_ref();                                   // on any thread: poll me again
//
// The two words are a data pointer and a table of four functions. So a foreign executor can make
// wakers for weft's futures, and foreign code can hold weft's. The layout is that of
// std::task::RawWaker in Rust.
#pragma once

#include <utility>

namespace weft::inline v0_1 {

struct WakerVTable;

/// The two words of a waker. Owns nothing.
struct RawWaker {
  void* data = nullptr;
  const WakerVTable* vtable = nullptr;
  friend bool operator==(const RawWaker&, const RawWaker&) noexcept = default;
};

/// The functions that the maker of a waker provides. Each may be called on any thread, until the
/// last handle was dropped, also long after the task has ended.
struct WakerVTable {
  /// Returns one more handle for the same task. May throw std::bad_alloc; then nothing has changed.
  RawWaker (*clone)(void* data);
  /// Makes the task runnable and consumes the handle. Wakes before the next poll coalesce.
  void (*wake)(void* data) noexcept;
  /// Makes the task runnable and keeps the handle.
  void (*wake_by_ref)(void* data) noexcept;
  /// Drops the handle.
  void (*drop)(void* data) noexcept;
};

/// One handle; see the top of this header. A copy is another handle for the same task. One thread
/// at a time uses a Waker object, except for its const functions. Copies are independent of each
/// other.
class Waker {
 public:
  /// Makes a waker that wakes nothing.
  Waker() noexcept : raw_(noop_raw()) {}
  /// Takes over one handle.
  explicit Waker(RawWaker raw) noexcept : raw_(raw) {}
  /// Throws what the maker's clone() throws: std::bad_alloc.
  Waker(const Waker& other) : raw_(other.raw_.vtable->clone(other.raw_.data)) {}
  Waker(Waker&& other) noexcept : raw_(std::exchange(other.raw_, noop_raw())) {}
  Waker& operator=(const Waker& other) {
    if (!will_wake(other)) Waker(other).swap(*this);
    return *this;
  }
  Waker& operator=(Waker&& other) noexcept {
    Waker(std::move(other)).swap(*this);
    return *this;
  }
  ~Waker() { raw_.vtable->drop(raw_.data); }

  /// Makes the task runnable: it is polled once more, however many wakes precede that poll. A wake
  /// during a poll causes another poll; a wake after the task's end has no effect. Any thread.
  /// Never runs the task inline, never blocks, never fails.
  void wake_by_ref() const noexcept { raw_.vtable->wake_by_ref(raw_.data); }
  /// Makes the task runnable and consumes this handle; afterwards this object wakes nothing.
  void wake() && noexcept {
    const RawWaker raw = std::exchange(raw_, noop_raw());
    raw.vtable->wake(raw.data);
  }

  /// Returns true only if both wake the same task. False proves nothing.
  [[nodiscard]] bool will_wake(const Waker& other) const noexcept { return raw_ == other.raw_; }

  [[nodiscard]] const RawWaker& raw() const noexcept { return raw_; }
  /// Releases the handle to code that will drop it through the table.
  [[nodiscard]] RawWaker release() noexcept { return std::exchange(raw_, noop_raw()); }
  void swap(Waker& other) noexcept { std::swap(raw_, other.raw_); }
  friend void swap(Waker& a, Waker& b) noexcept { a.swap(b); }

 private:
  [[nodiscard]] static RawWaker noop_raw() noexcept { return {nullptr, &noop_vtable}; }
  static const WakerVTable noop_vtable;

  RawWaker raw_;
};

/// A waker whose handle another object owns and keeps. An executor passes it to poll() to avoid
/// counting.
class BorrowedWaker {
 public:
  explicit BorrowedWaker(RawWaker raw) noexcept : waker_(raw) {}
  BorrowedWaker(const BorrowedWaker&) = delete;
  BorrowedWaker& operator=(const BorrowedWaker&) = delete;
  ~BorrowedWaker() {}  // does not destroy waker_: its handle is not owned

  [[nodiscard]] const Waker& get() const noexcept { return waker_; }

 private:
  union {
    Waker waker_;
  };
};

}  // namespace weft::inline v0_1
