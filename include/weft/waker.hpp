// Waker: the unit of notification: a counted, thread-safe handle of two words that makes one task
// runnable again. A leaf keeps a copy of the waker that it was polled with and wakes it when there
// is progress to be made; it never sees the executor, nor the executor the leaf.
//
// The two words are a pointer to something and a table of four functions, so an executor that is
// not weft's can make wakers for weft's futures, and foreign code can hold weft's (the shape is
// that of std::task::RawWaker in Rust).
#pragma once

#include <utility>

namespace weft {

struct WakerVTable;

/// A waker in the raw. Owns nothing by itself.
struct RawWaker {
  void* data = nullptr;
  const WakerVTable* vtable = nullptr;
  friend bool operator==(const RawWaker&, const RawWaker&) noexcept = default;
};

/// What the maker of a waker provides. Each function may be called on any thread, at any time until
/// the last handle was dropped: also when the task has long ended.
struct WakerVTable {
  /// One more handle for the same task. May throw std::bad_alloc; then nothing has changed.
  RawWaker (*clone)(void* data);
  /// Makes the task runnable and uses the handle up. Wakes before the next poll are one.
  void (*wake)(void* data) noexcept;
  /// The same, and the handle stays.
  void (*wake_by_ref)(void* data) noexcept;
  /// Gives the handle up.
  void (*drop)(void* data) noexcept;
};

/// One handle. Copying makes another for the same task. A Waker object itself is used by one thread
/// at a time, except its const functions; copies are independent of each other.
class Waker {
 public:
  /// Wakes nobody.
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

  /// Makes the task runnable: it is polled once more, however many wakes come before that. A wake
  /// that comes while it is being polled has it polled again; one that comes after its end does
  /// nothing. Any thread; never runs the task inline, never blocks, never fails.
  void wake_by_ref() const noexcept { raw_.vtable->wake_by_ref(raw_.data); }
  /// The same, using this handle up; it wakes nobody afterwards.
  void wake() && noexcept {
    const RawWaker raw = std::exchange(raw_, noop_raw());
    raw.vtable->wake(raw.data);
  }

  /// Whether both wake the same task, as far as can be told: false proves nothing.
  [[nodiscard]] bool will_wake(const Waker& other) const noexcept { return raw_ == other.raw_; }

  [[nodiscard]] const RawWaker& raw() const noexcept { return raw_; }
  /// Gives the handle away, to code that will drop it through the table.
  [[nodiscard]] RawWaker release() noexcept { return std::exchange(raw_, noop_raw()); }
  void swap(Waker& other) noexcept { std::swap(raw_, other.raw_); }
  friend void swap(Waker& a, Waker& b) noexcept { a.swap(b); }

 private:
  [[nodiscard]] static RawWaker noop_raw() noexcept { return {nullptr, &noop_vtable}; }
  static const WakerVTable noop_vtable;

  RawWaker raw_;
};

/// A waker whose handle belongs to someone else who keeps it: what an executor passes to poll()
/// when it would be a waste to count.
class BorrowedWaker {
 public:
  explicit BorrowedWaker(RawWaker raw) noexcept : waker_(raw) {}
  BorrowedWaker(const BorrowedWaker&) = delete;
  BorrowedWaker& operator=(const BorrowedWaker&) = delete;
  ~BorrowedWaker() {}  // not the waker's: its handle is not ours

  [[nodiscard]] const Waker& get() const noexcept { return waker_; }

 private:
  union {
    Waker waker_;
  };
};

}  // namespace weft
