// A library that calls back on a thread of its own, awaited by a task; and a cancel that waits.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <weft/weft.hpp>

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// [library]
/// The library: doubles numbers, which takes it some time, and calls back on its thread.
class Doubler {
 public:
  using Callback = std::move_only_function<void(std::optional<int>)>;  // nothing: cancelled

  /// Returns a number by which it can be cancelled.
  int start(int value, milliseconds takes, Callback callback) {
    const std::lock_guard lock(mutex_);
    jobs_.emplace(++last_, Job{value, Clock::now() + takes, std::move(callback)});
    changed_.notify_one();
    return last_;
  }
  /// The callback is called soon, on the library's thread, unless it was called already.
  void cancel(int job) {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(job);
    if (found == jobs_.end()) return;
    found->second.cancelled = true;
    changed_.notify_one();
  }
  [[nodiscard]] std::size_t unfinished() {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  struct Job {
    int value = 0;
    Clock::time_point due;
    Callback callback;
    bool cancelled = false;
  };

  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const auto now = Clock::now();
      auto next = now + milliseconds(1000);
      auto found = jobs_.begin();
      for (; found != jobs_.end(); ++found) {
        if (found->second.cancelled || found->second.due <= now) break;
        next = std::min(next, found->second.due);
      }
      if (found == jobs_.end()) {
        changed_.wait_until(lock, stop, next, [] { return false; });
        continue;
      }
      Job job = std::move(jobs_.extract(found).mapped());
      lock.unlock();  // the callback may call the library
      job.callback(job.cancelled ? std::nullopt : std::optional(2 * job.value));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<int, Job> jobs_;  // guarded by mutex_
  int last_ = 0;             // guarded by mutex_
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};
};
// [/library]

// [adapter]
/// Cancel: cancels the job, and waits until the library has let go of it.
weft::Task<int> doubled(Doubler& library, int value, milliseconds takes) {
  struct Call {
    weft::ManualResetEvent ended;
    std::optional<int> result;
  };
  // Shared with the callback, which may still be in set() when this task is gone.
  const auto call = std::make_shared<Call>();
  const int job = library.start(value, takes, [call](std::optional<int> result) {
    call->result = result;
    call->ended.set();
  });
  auto wait = [&]() -> weft::Task<int> {
    co_await call->ended.wait();
    co_return call->result.value();
  };
  auto clean_up = [&]() -> weft::Task<void> {
    library.cancel(job);  // nothing, if it has ended
    co_await call->ended.wait();
  };
  co_return co_await weft::finally(std::ref(wait), std::ref(clean_up));
}
// [/adapter]

// [use]
weft::Task<void> use(Doubler& library) {
  const int result = co_await doubled(library, 21, milliseconds(10));
  std::printf("doubled: %d\n", result);
  const auto late = co_await weft::attempt(
      weft::timeout(doubled(library, 21, std::chrono::hours(1)), milliseconds(20)));
  std::printf("an hour: %s; the library has %zu jobs\n", late ? "done" : "given up",
              library.unfinished());
}
// [/use]

int main() {
  Doubler library;
  weft::block_on(use(library));
}
