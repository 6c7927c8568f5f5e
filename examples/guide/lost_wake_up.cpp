// A lost wake-up, shown by breaking what prevents it. The order in which it happens, one in a
// million by itself, is forced; a time-out ends the sleep that would never end.
//   lost_wake_up                    both right
//   lost_wake_up look_then_sleep    the sleeper looks and sleeps in two steps
//   lost_wake_up wake_then_put      the waker wakes before there is anything to find
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <semaphore>
#include <string_view>
#include <thread>

#include "tiny_queue.hpp"

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds limit(1'000);

void say_end(bool woken, std::size_t tasks) {
  std::printf("%s; tasks in the queue: %zu\n",
              woken ? "  woken" : "  slept until the time-out: the wake-up is lost", tasks);
}

/// A run queue, of numbers in the place of tasks. Its two ways to sleep are below.
class RunQueue {
 public:
  // [put]
  void put(int task) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(task);
    not_empty_.notify_one();
  }
  // [/put]

  // [two_steps]
  /// Broken. `meanwhile`: what happens between the two steps.
  void look_then_sleep(const std::function<void()>& meanwhile) {
    {
      const std::lock_guard lock(mutex_);
      if (!ready_.empty()) return;  // 1: look
    }
    std::puts("  nothing to run");
    meanwhile();
    std::unique_lock lock(mutex_);
    const std::cv_status end = not_empty_.wait_for(lock, limit);  // 2: sleep
    say_end(end == std::cv_status::no_timeout, ready_.size());
  }
  // [/two_steps]

  // [one_step]
  /// Right: from the look on the lock is held, until the thread sleeps.
  void look_and_sleep(const std::function<void()>& meanwhile) {
    std::unique_lock lock(mutex_);
    if (!ready_.empty()) return;
    std::puts("  nothing to run");
    meanwhile();
    const bool woken = not_empty_.wait_for(lock, limit, [this] { return !ready_.empty(); });
    say_end(woken, ready_.size());
  }
  // [/one_step]

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::deque<int> ready_;  // guarded by mutex_
};

// [force]
void break_the_sleeper() {
  RunQueue queue;
  queue.look_then_sleep([&queue] {
    std::jthread other([&queue] { queue.put(1); });
    other.join();  // all of it happens here
    std::puts("  another thread puts a task, and notifies");
  });
}

void repair_the_sleeper() {
  RunQueue queue;
  std::jthread other;
  queue.look_and_sleep([&] {
    std::binary_semaphore begun(0);
    other = std::jthread([&queue, &begun] {
      begun.release();
      queue.put(1);  // has to wait for the lock, which is free when the other thread sleeps
    });
    begun.acquire();
    std::puts("  another thread wants to put a task");
  });
}
// [/force]

/// The loop of first_runtime.cpp, cut down to what sleeps and what wakes.
class Loop {
 public:
  // [loop]
  /// Looks, and sleeps in the event queue. Gives back after the first task, or the time-out.
  void run() {
    for (;;) {
      const std::size_t tasks = size();
      if (tasks != 0) return say_end(true, tasks);
      std::puts("  nothing to run");
      looked_.release();
      const Clock::time_point asleep = Clock::now();
      queue_.wait(static_cast<int>(limit.count()));
      if (Clock::now() - asleep >= limit) return say_end(false, size());
    }
  }
  // [/loop]

  // [wakes]
  /// Broken.
  void wake_then_put() {
    queue_.wake();
    wait_until_it_has_looked();  // in between the thread wakes, looks, and sleeps again
    put(1);
  }
  /// Right: the loop looks after each wake, and finds what was put before.
  void put_then_wake() {
    put(1);
    queue_.wake();
  }
  // [/wakes]

  void wait_until_it_has_looked() { looked_.acquire(); }

 private:
  void put(int task) {
    const std::lock_guard lock(mutex_);
    woken_.push_back(task);
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return woken_.size();
  }

  TinyQueue queue_;
  std::counting_semaphore<> looked_{0};
  std::mutex mutex_;
  std::deque<int> woken_;  // guarded by mutex_
};

void wake_a_loop(void (Loop::*wake)()) {
  Loop loop;
  const std::jthread other([&] {
    loop.wait_until_it_has_looked();
    (loop.*wake)();
  });
  loop.run();
}

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  if (mode == "look_then_sleep") {
    std::puts("looks, then sleeps:");
    break_the_sleeper();
  } else if (mode == "wake_then_put") {
    std::puts("wakes, then puts:");
    wake_a_loop(&Loop::wake_then_put);
  } else {
    std::puts("looks and sleeps in one step:");
    repair_the_sleeper();
    std::puts("puts, then wakes:");
    wake_a_loop(&Loop::put_then_wake);
  }
}
