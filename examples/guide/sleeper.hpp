// Sleeper: the smallest executor. For the guide's chapter on futures.
#pragma once

#include <condition_variable>
#include <mutex>
#include <weft/future.hpp>

// [executor]
/// The smallest executor: one future, one sleeping thread. A waker is two words: what to wake, and
/// a table of how.
class Sleeper {
 public:
  weft::Waker waker() { return weft::Waker(weft::RawWaker{this, &table}); }
  void sleep() {
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [this] { return notified_; });
    notified_ = false;
  }

 private:
  static void wake(void* self) noexcept {
    auto& sleeper = *static_cast<Sleeper*>(self);
    const std::lock_guard lock(sleeper.mutex_);
    sleeper.notified_ = true;  // a wake that comes before the sleep is not lost
    sleeper.woken_.notify_one();
  }
  static const weft::WakerVTable table;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool notified_ = false;  // guarded by mutex_
};

// Nothing is counted: the sleeper must outlive its wakers.
inline const weft::WakerVTable Sleeper::table{
    .clone = [](void* self) { return weft::RawWaker{self, &table}; },
    .wake = &Sleeper::wake,
    .wake_by_ref = &Sleeper::wake,
    .drop = [](void*) noexcept {},
};
// [/executor]
