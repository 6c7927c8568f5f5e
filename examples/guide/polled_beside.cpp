// Futures of a weft runtime, polled by an executor of one's own, on its one thread.
#include <pthread.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

/// The name of the calling thread.
std::string here() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

// [executor]
/// An executor for one thread. Nothing in it knows of weft's runtime: it polls what it is given.
class HandExecutor {
 public:
  /// `poll` polls a future, and returns whether that was for the last time.
  using PollOnce = std::move_only_function<bool(weft::Context&)>;

  void add(PollOnce poll) {
    Entry& entry = entries_.emplace_back(*this, std::move(poll));
    make_ready(entry);
    ++unfinished_;
  }

  /// Polls whatever was woken, and sleeps in between, until all have ended.
  void run() {
    while (unfinished_ > 0) {
      Entry& entry = next();
      if (!entry.poll) continue;  // woken after its end
      const weft::Waker waker(weft::RawWaker{&entry, &table});
      weft::Context cx(waker);
      ++polls_;
      if (!entry.poll(cx)) continue;
      entry.poll = nullptr;  // destroys the future
      --unfinished_;
    }
  }
  [[nodiscard]] int polls() const { return polls_; }

 private:
  struct Entry {
    Entry(HandExecutor& of, PollOnce what) : executor(of), poll(std::move(what)) {}
    HandExecutor& executor;
    PollOnce poll;
    bool is_ready = false;  // guarded by the executor's mutex
  };

  /// Any thread. Wakes before the next poll count as one.
  void make_ready(Entry& entry) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(entry.is_ready, true)) return;
    ready_.push_back(&entry);
    woken_.notify_one();
  }
  Entry& next() {
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [this] { return !ready_.empty(); });
    Entry& entry = *ready_.front();
    ready_.pop_front();
    entry.is_ready = false;  // before the poll: a wake during it is not lost
    return entry;
  }
  static void wake(void* self) noexcept {
    auto& entry = *static_cast<Entry*>(self);
    entry.executor.make_ready(entry);
  }
  // Nothing is counted: the executor outlives the runtime, and so all wakers.
  static weft::RawWaker clone(void* self) { return {self, &table}; }
  static void drop(void* /*self*/) noexcept {}
  static const weft::WakerVTable table;

  std::deque<Entry> entries_;  // an entry stays where it is: wakers refer to it
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<Entry*> ready_;  // guarded by mutex_
  int unfinished_ = 0;
  int polls_ = 0;
};

const weft::WakerVTable HandExecutor::table{&clone, &wake, &wake, &drop};
// [/executor]

// [task]
weft::Task<std::string> answer(std::string text, milliseconds after) {
  co_await weft::sleep_for(after);  // weft's timers, on weft's thread
  if (text.empty()) throw std::runtime_error("there is nothing to say");
  co_return text + ", by " + here();
}
// [/task]

/// Says when it is destroyed: with the frame that it belongs to.
class Farewell {
 public:
  Farewell() = default;
  ~Farewell() { std::puts("its task is cancelled"); }
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
};

weft::Task<std::string> never() {
  const Farewell farewell;
  co_await weft::sleep_for(std::chrono::hours(1));
  co_return "too late";
}

// [ask]
/// Has the executor poll a task of `runtime`, and show what it gives.
void ask(HandExecutor& executor, weft::Runtime& runtime, weft::Task<std::string> task) {
  auto poll = [future = runtime.as_future(std::move(task))](weft::Context& cx) mutable {
    try {
      weft::Poll<std::string> result = future.poll(cx);
      if (result.is_pending()) return false;
      std::printf("%s; taken by %s\n", result.take().c_str(), here().c_str());
    } catch (const std::exception& error) {
      std::printf("failed: %s\n", error.what());
    }
    return true;
  };
  executor.add(std::move(poll));
}
// [/ask]

int main() {
  pthread_setname_np(pthread_self(), "main");
  // [main]
  HandExecutor executor;
  weft::RuntimeOptions options;
  options.workers = 1;
  weft::Runtime runtime(options);
  ask(executor, runtime, answer("third", milliseconds(90)));
  ask(executor, runtime, answer("first", milliseconds(30)));
  ask(executor, runtime, answer("", milliseconds(60)));
  executor.run();
  std::printf("3 futures, %d polls\n", executor.polls());
  // [/main]
  // [drop]
  {
    auto future = runtime.as_future(never());
    const weft::Waker waker;  // wakes nothing
    weft::Context cx(waker);
    std::printf("one more: %s\n", future.poll(cx).is_ready() ? "ready" : "pending");
  }  // the future is dropped
  runtime.shutdown();
  // [/drop]
}
