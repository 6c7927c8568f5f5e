// An executor with a limit: what is not ready by then is dropped, and its task cancelled.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <list>
#include <mutex>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// [sleeper]
/// Wakes one thread, which may also be woken by the time.
class Sleeper {
 public:
  weft::Waker waker() { return weft::Waker(weft::RawWaker{this, &table}); }
  /// Returns false when the time is over.
  bool sleep_until(Clock::time_point time) {
    std::unique_lock lock(mutex_);
    const bool woken = woken_.wait_until(lock, time, [this] { return notified_; });
    notified_ = false;
    return woken;
  }

 private:
  static weft::RawWaker clone(void* self) { return {self, &table}; }
  static void wake(void* self) noexcept {
    auto& sleeper = *static_cast<Sleeper*>(self);
    const std::lock_guard lock(sleeper.mutex_);
    sleeper.notified_ = true;
    sleeper.woken_.notify_one();
  }
  static void drop(void* /*self*/) noexcept {}
  static const weft::WakerVTable table;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool notified_ = false;  // guarded by mutex_
};
const weft::WakerVTable Sleeper::table{&clone, &wake, &wake, &drop};
// [/sleeper]

/// Says when it is destroyed before it was told that all is well.
class Watch {
 public:
  explicit Watch(std::string name) : name_(std::move(name)) {}
  ~Watch() {
    if (!well_) std::printf("%s: cancelled\n", name_.c_str());
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  void all_is_well() { well_ = true; }

 private:
  std::string name_;
  bool well_ = false;
};

weft::Task<std::string> answer(std::string name, milliseconds after) {
  Watch watch(name);
  co_await weft::sleep_for(after);
  watch.all_is_well();
  co_return name;
}

// [run]
using Answer = weft::AsFuture<weft::Task<std::string>>;

/// Polls the futures until all are ready, or the time is over; says how many are left then.
void run_until(Clock::time_point limit, Sleeper& sleeper, std::list<Answer> futures) {
  const weft::Waker waker = sleeper.waker();
  weft::Context cx(waker);
  do {
    futures.remove_if([&](Answer& future) {
      weft::Poll<std::string> result = future.poll(cx);
      if (result.is_pending()) return false;
      std::printf("%s: ready\n", result.take().c_str());
      return true;
    });
  } while (!futures.empty() && sleeper.sleep_until(limit));
  std::printf("the time is over: %zu left\n", futures.size());
}  // drops them
// [/run]

int main() {
  // [main]
  Sleeper sleeper;  // before the runtime, and so outliving its wakers
  weft::Runtime runtime;
  std::list<Answer> futures;
  futures.push_back(runtime.as_future(answer("an hour", std::chrono::hours(1))));
  futures.push_back(runtime.as_future(answer("60 ms", milliseconds(60))));
  futures.push_back(runtime.as_future(answer("20 ms", milliseconds(20))));
  run_until(Clock::now() + milliseconds(400), sleeper, std::move(futures));
  runtime.shutdown();  // waits for the end of its task
  // [/main]
}
