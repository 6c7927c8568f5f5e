// Tools for tests of futures: a leaf that the test makes ready, a waker that counts, and a small
// executor that uses only weft's wakers, as foreign code would.
#pragma once

#include <weft/extend/atomic_waker.hpp>
#include <weft/future.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace weft::test {

/// A value that any thread sets once, and one future waits for.
class Signal {
 public:
  /// Counts its polls in the signal, and its destruction if it was not ready.
  class [[nodiscard]] Wait {
   public:
    explicit Wait(Signal& signal) noexcept : signal_(&signal) {}
    Wait(Wait&& other) noexcept : signal_(std::exchange(other.signal_, nullptr)) {}
    Wait& operator=(Wait&&) = delete;
    ~Wait() {
      if (signal_ != nullptr) ++signal_->dropped_;
    }
    Poll<int> poll(Context& cx) {
      ++signal_->polls_;
      signal_->waker_.register_waker(cx.waker());
      if (!signal_->set_.load(std::memory_order_acquire)) return Pending();
      return std::exchange(signal_, nullptr)->value_;
    }

   private:
    Signal* signal_;
  };

  Signal() = default;
  [[nodiscard]] Wait wait() noexcept { return Wait(*this); }
  /// Called by any thread, once.
  void set(int value = 1) noexcept {
    value_ = value;
    set_.store(true, std::memory_order_release);
    waker_.wake();
  }
  /// Wakes the waiting future without a value. Any thread.
  void wake() noexcept { waker_.wake(); }

  [[nodiscard]] int polls() const noexcept { return polls_; }
  [[nodiscard]] int dropped() const noexcept { return dropped_; }

 private:
  AtomicWaker waker_;
  std::atomic<bool> set_{false};
  int value_ = 0;
  std::atomic<int> polls_{0};
  std::atomic<int> dropped_{0};
};

/// Wakers that only count. Must outlive the wakers.
class WakeCounter {
 public:
  [[nodiscard]] Waker waker() noexcept {
    ++handles_;
    return Waker(RawWaker{this, &vtable});
  }
  [[nodiscard]] int wakes() const noexcept { return wakes_; }
  /// The number of living wakers.
  [[nodiscard]] int handles() const noexcept { return handles_; }

 private:
  static WakeCounter& of(void* data) noexcept { return *static_cast<WakeCounter*>(data); }
  static const WakerVTable vtable;

  std::atomic<int> wakes_{0};
  std::atomic<int> handles_{0};
};

inline constexpr WakerVTable WakeCounter::vtable{
    .clone =
        [](void* data) {
          ++of(data).handles_;
          return RawWaker{data, &vtable};
        },
    .wake =
        [](void* data) noexcept {
          ++of(data).wakes_;
          --of(data).handles_;
        },
    .wake_by_ref = [](void* data) noexcept { ++of(data).wakes_; },
    .drop = [](void* data) noexcept { --of(data).handles_; },
};

/// An executor of one future, on the calling thread, made of the standard library alone.
class ForeignExecutor {
 public:
  /// Polls `future` until it is ready, sleeping between polls.
  template <Future F>
  FutureResult<F> run(F future) {
    const Waker waker = counter_for_this();
    Context cx(waker);
    for (;;) {
      Poll<FutureResult<F>> result = future.poll(cx);
      ++polls_;
      if (result.is_ready()) return result.take();
      std::unique_lock lock(mutex_);
      woken_.wait(lock, [this] { return notified_; });
      notified_ = false;
    }
  }
  [[nodiscard]] int polls() const noexcept { return polls_; }
  /// The number of living wakers.
  [[nodiscard]] int handles() const noexcept { return handles_; }

 private:
  static ForeignExecutor& of(void* data) noexcept { return *static_cast<ForeignExecutor*>(data); }
  Waker counter_for_this() noexcept {
    ++handles_;
    return Waker(RawWaker{this, &vtable});
  }
  void notify() noexcept {
    const std::lock_guard lock(mutex_);  // held over the call: afterwards `this` may be destroyed
    notified_ = true;
    woken_.notify_one();
  }
  static const WakerVTable vtable;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool notified_ = false;  // guarded by mutex_
  std::atomic<int> handles_{0};
  int polls_ = 0;
};

inline constexpr WakerVTable ForeignExecutor::vtable{
    .clone =
        [](void* data) {
          ++of(data).handles_;
          return RawWaker{data, &vtable};
        },
    .wake =
        [](void* data) noexcept {
          --of(data).handles_;
          of(data).notify();
        },
    .wake_by_ref = [](void* data) noexcept { of(data).notify(); },
    .drop = [](void* data) noexcept { --of(data).handles_; },
};

}  // namespace weft::test
