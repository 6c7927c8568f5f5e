// What weft says outside of a runtime; and how work gets in from there.
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [task]
weft::Task<int> add(int a, int b) {
  co_await weft::sleep_for(milliseconds(1));
  co_return a + b;
}
// [/task]

// [attempt]
/// Calls it, and prints what it says.
template <class F>
void attempt(const char* what, F call) {
  try {
    call();
    std::printf("%-24s as it should be\n", what);
  } catch (const std::logic_error& error) {
    std::printf("%-24s %s\n", what, error.what());
  }
}
// [/attempt]

// [outside]
void outside() {
  attempt("a task is made", [] { const weft::Task<int> task = add(1, 2); });
  attempt("spawn", [] { weft::spawn(add, 1, 2).detach(); });
  attempt("as_future", [] { static_cast<void>(weft::as_future(add(1, 2))); });
  attempt("on_complete", [] { weft::on_complete(add(1, 2), [](int) {}).detach(); });
  attempt("a timer", [] { weft::Timer([] {}).arm_after(milliseconds(1)); });
}
// [/outside]

// [foreign]
/// The smallest coroutine that is not weft's.
struct Foreign {
  struct promise_type {
    Foreign get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};
static_assert(!weft::WeftPromise<Foreign::promise_type>);
static_assert(weft::WeftPromise<weft::Task<int>::promise_type>);
// [/foreign]

// [library]
/// Stands for a library that calls back on a thread of its own.
template <class F>
void call_back(F callback) {
  std::jthread([&] { callback(); }).join();
}

weft::Task<void> within(weft::Runtime& runtime) {
  attempt("in a task", [] { weft::spawn(add, 1, 2).detach(); });
  call_back([] { attempt("in its callback", [] { weft::spawn(add, 1, 2).detach(); }); });
  call_back([&] { attempt("runtime.spawn", [&] { runtime.spawn(add, 1, 2).detach(); }); });
  call_back([&] {
    const auto there = weft::SpawnOptions().owner(runtime);
    attempt("spawn, with an owner", [&] { weft::spawn(there, add, 1, 2).detach(); });
  });
  co_return;
}
// [/library]

int main() {
  outside();
  weft::Runtime runtime;
  runtime.block_on(within(runtime));
}
