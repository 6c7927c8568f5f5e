// For the guide's examples of futures: a signal that any thread may give, as a future, and a waker
// that counts how often it is woken.
#pragma once

#include <atomic>
#include <weft/extend/atomic_waker.hpp>
#include <weft/future.hpp>

// [signal]
/// Ready once it has been given. One future at a time waits for it.
class Signal {
 public:
  void give() noexcept {
    given_.store(true, std::memory_order_release);
    waker_.wake();
  }

  /// The leaf. It refers to the signal, which must outlive it.
  class Wait {
   public:
    explicit Wait(Signal& signal) noexcept : signal_(&signal) {}

    weft::Poll<void> poll(weft::Context& cx) {
      signal_->waker_.register_waker(cx.waker());  // first leave the waker …
      if (signal_->given_.load(std::memory_order_acquire)) return weft::Poll<void>::ready();
      return weft::Pending();  // … then look: what comes from now on will wake it
    }

   private:
    Signal* signal_;
  };
  [[nodiscard]] Wait wait() noexcept { return Wait(*this); }

 private:
  std::atomic<bool> given_{false};
  weft::AtomicWaker waker_;
};
// [/signal]

// [counter]
/// Wakers without a task, which count. It must outlive them.
class WakeCounter {
 public:
  [[nodiscard]] weft::Waker waker() { return weft::Waker(weft::RawWaker{this, &table}); }
  [[nodiscard]] int count() const { return count_; }

 private:
  static weft::RawWaker clone(void* self) { return {self, &table}; }
  static void add_one(void* self) noexcept { ++static_cast<WakeCounter*>(self)->count_; }
  static void drop(void* /*self*/) noexcept {}
  static const weft::WakerVTable table;

  std::atomic<int> count_{0};
};
// `wake` consumes a handle, `wake_by_ref` does not. A counting waker treats both alike.
inline constexpr weft::WakerVTable WakeCounter::table{clone, add_one, add_one, drop};
// [/counter]
