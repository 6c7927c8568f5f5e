// What awaiting a future costs, in nanoseconds, each beside the nearest thing without futures:
//
//   a future that is ready            an awaiter of the standard library's shape that is ready
//   a future that wakes itself once   yield_now()
//   a future whose waker was cloned   the same
//   a waker, cloned and dropped       a std::shared_ptr, copied and dropped
//
// Windows of the two alternate; the table gives medians of the windows and of their ratios. One
// worker, on the calling thread. Run it by hand: build/release/bench/future_await
#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int windows = 41;
constexpr int repeats = 200'000;

/// Ready when it is polled for the second time; wakes in between.
class WakesOnce {
 public:
  weft::Poll<void> poll(weft::Context& cx) {
    if (std::exchange(polled_, true)) return weft::Poll<void>::ready();
    cx.waker().wake_by_ref();
    return weft::Pending();
  }

 private:
  bool polled_ = false;
};

/// The same, through a clone of the waker.
class WakesOnceByClone {
 public:
  weft::Poll<void> poll(weft::Context& cx) {
    if (std::exchange(polled_, true)) return weft::Poll<void>::ready();
    weft::Waker(cx.waker()).wake();
    return weft::Pending();
  }

 private:
  bool polled_ = false;
};

class ReadyAwaiter {
 public:
  ReadyAwaiter() noexcept {}
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};

template <class Step>
weft::Task<double> window(Step step) {
  const auto begin = Clock::now();
  for (int i = 0; i < repeats; ++i) {
    co_await step();
  }
  const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
  co_return took.count() / repeats;
}

template <class Step>
double plain_window(Step step) {
  const auto begin = Clock::now();
  for (int i = 0; i < repeats; ++i) step();
  const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
  return took.count() / repeats;
}

double median(std::array<double, windows> values) {
  std::ranges::sort(values);
  return values[windows / 2];
}

/// Runs windows of both in turn and prints a line.
template <class Subject, class Base>
void compare(const char* name, Subject subject, Base base) {
  std::array<double, windows> subjects{};
  std::array<double, windows> bases{};
  std::array<double, windows> ratios{};
  for (std::size_t i = 0; i < windows; ++i) {
    subjects[i] = subject();
    bases[i] = base();
    ratios[i] = subjects[i] / bases[i];
  }
  std::printf("%-40s %8.1f ns %8.1f ns %6.2f\n", name, median(subjects), median(bases),
              median(ratios));
}

/// A waker of a task, as a leaf would keep it.
std::optional<weft::Waker> keep_waker(weft::Runtime& runtime) {
  std::optional<weft::Waker> kept;
  runtime.block_on(weft::futures::poll_fn([&](weft::Context& cx) {
    kept = cx.waker();
    return weft::Poll<void>::ready();
  }));
  return kept;
}

template <class T>
void copy_and_drop(const T& handle) {
  const T copy(handle);
  asm("" ::"r"(&copy) : "memory");  // the compiler must not remove the pair
}

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  std::thread([] {}).join();  // otherwise std::shared_ptr counts without atomics
  auto run = [&](auto step) {
    return [&runtime, step] { return runtime.block_on([&] { return window(step); }); };
  };
  auto yield = run([] { return weft::yield_now(); });
  std::printf("%-40s %11s %11s %6s\n", "", "weft", "beside", "ratio");
  compare("ready, beside a ready awaiter", run([] { return weft::futures::ready(); }),
          run([] { return ReadyAwaiter(); }));
  compare("wakes itself, beside yield_now()", run([] { return WakesOnce(); }), yield);
  compare("wakes itself by a clone, beside the same", run([] { return WakesOnceByClone(); }),
          yield);
  const auto waker = keep_waker(runtime);
  const auto shared = std::make_shared<int>(1);
  compare(
      "waker clone + drop, beside shared_ptr",
      [&] { return plain_window([&] { copy_and_drop(*waker); }); },
      [&] { return plain_window([&] { copy_and_drop(shared); }); });
}
