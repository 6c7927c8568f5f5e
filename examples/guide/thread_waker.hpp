// A waker that wakes a thread: what polls a future by hand sleeps with it. For the programs of the
// guide.
#pragma once

#include <condition_variable>
#include <mutex>
#include <weft/waker.hpp>

// [thread_waker]
/// One thread sleeps; any thread wakes it. It must outlive its wakers.
class ThreadWaker {
 public:
  [[nodiscard]] weft::Waker waker() { return weft::Waker(weft::RawWaker{this, &table}); }
  /// Sleeps until there was a wake since the last sleep.
  void sleep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }

 private:
  static weft::RawWaker clone(void* self) { return {self, &table}; }
  static void wake(void* self) noexcept {
    auto& waker = *static_cast<ThreadWaker*>(self);
    const std::lock_guard lock(waker.mutex_);
    waker.woken_ = true;  // a wake before the sleep is kept
    waker.changed_.notify_one();
  }
  static void drop(void* /*self*/) noexcept {}
  static const weft::WakerVTable table;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;  // guarded by mutex_
};
inline constexpr weft::WakerVTable ThreadWaker::table{clone, wake, wake, drop};
// [/thread_waker]
