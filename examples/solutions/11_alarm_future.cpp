// Exercise 11.2: a leaf future for times: a clock of one's own, whose future is ready when its time
// has come. Polled by hand, awaited by a task, dropped.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "../guide/thread_waker.hpp"

using std::chrono::milliseconds;

// [clock]
/// Wakes at times, on a thread of its own.
class AlarmClock {
 public:
  using Clock = std::chrono::steady_clock;
  using Key = std::pair<Clock::time_point, int>;  // two alarms may have the same time

  /// The leaf. Ready once its time has come.
  class Alarm {
   public:
    Alarm(AlarmClock& clock, Key key) noexcept : clock_(&clock), key_(key) {}
    Alarm(Alarm&& other) noexcept
        : clock_(std::exchange(other.clock_, nullptr)), key_(other.key_) {}
    ~Alarm() {
      if (clock_ != nullptr) clock_->forget(key_);
    }
    weft::Poll<void> poll(weft::Context& cx) {
      if (!clock_->is_due(key_, cx.waker())) return weft::Pending();
      return weft::Poll<void>::ready();
    }

   private:
    AlarmClock* clock_;
    Key key_;
  };

  [[nodiscard]] Alarm after(Clock::duration time) {
    const std::lock_guard lock(mutex_);
    return {*this, Key(Clock::now() + time, ++last_number_)};
  }
  [[nodiscard]] std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return alarms_.size();
  }

 private:
  bool is_due(const Key& key, const weft::Waker& waker) {
    const std::lock_guard lock(mutex_);
    if (key.first <= Clock::now()) return true;
    alarms_[key] = waker;  // of the latest poll
    changed_.notify_one();
    return false;
  }
  void forget(const Key& key) {
    const std::lock_guard lock(mutex_);
    alarms_.erase(key);
  }

  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (alarms_.empty()) {
        changed_.wait(lock, stop, [this] { return !alarms_.empty(); });
        continue;
      }
      const Key first = alarms_.begin()->first;
      if (first.first > Clock::now()) {
        // Until then, or until an earlier one comes.
        changed_.wait_until(lock, stop, first.first,
                            [&] { return alarms_.empty() || alarms_.begin()->first < first; });
        continue;
      }
      weft::Waker waker = std::move(alarms_.begin()->second);
      alarms_.erase(alarms_.begin());
      lock.unlock();
      std::move(waker).wake();  // outside the lock: it may poll at once, here
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<Key, weft::Waker> alarms_;  // guarded by mutex_
  int last_number_ = 0;                // guarded by mutex_
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};
};
// [/clock]

// [use]
void by_hand(AlarmClock& clock) {
  AlarmClock::Alarm alarm = clock.after(milliseconds(100));
  ThreadWaker sleeper;
  const weft::Waker waker = sleeper.waker();
  weft::Context cx(waker);
  int polls = 1;
  for (; alarm.poll(cx).is_pending(); ++polls) sleeper.sleep();
  std::printf("by hand: rang after %d polls\n", polls);
}

weft::Task<void> awaited(AlarmClock& clock) {
  co_await clock.after(milliseconds(100));
  std::puts("a task:  it rang");
  try {
    co_await weft::timeout(clock.after(std::chrono::hours(1)), milliseconds(20));
  } catch (const weft::IoError& error) {
    std::printf("a task:  %s\n", error.what());
  }
}
// [/use]

int main() {
  AlarmClock clock;
  by_hand(clock);
  weft::block_on(awaited(clock));
  std::printf("alarms that are left: %zu\n", clock.waiting());
}
