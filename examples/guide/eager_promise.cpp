// A task is lazy: it runs when it is awaited, once, for one awaiter. A promise is eager: its work
// runs at once, with or without a request, and any holder of the future may wait for it. The
// program prints what runs when, and checks it.
#include <cstdio>
#include <string>
#include <vector>
#include <weft/weft.hpp>

std::vector<std::string> trace;

void say(const std::string& what) {
  std::printf("%s\n", what.c_str());
  trace.push_back(what);
}

// [work]
weft::Task<int> work(std::string name) {
  say("  " + name + ": works");
  co_await weft::yield_now();
  say("  " + name + ": has its result");
  co_return 42;
}
// [/work]

weft::Task<void> let_others_run() {
  for (int i = 0; i < 5; ++i) co_await weft::yield_now();
}

// [lazy]
weft::Task<void> lazy() {
  weft::Task<int> task = work("lazy");
  say("a task was made");
  co_await let_others_run();
  say("nobody has awaited it");
  co_await std::move(task);
  say("somebody has");
  const weft::Task<int> dropped = work("dropped");  // never works
}
// [/lazy]

weft::Task<void> reader(std::string name, weft::SharedResult<int> future) {
  const int& value = co_await future;
  say(name + " has got " + std::to_string(value));
}

// [eager]
weft::Task<void> eager() {
  const weft::SharedResult<int> future = weft::share(work("eager"));
  say("a shared future was made");
  co_await let_others_run();
  say("nobody has asked");
  co_await reader("the first", future);
  co_await reader("the second", future);
  static_cast<void>(weft::share(work("dropped eager")));  // works all the same
  co_await let_others_run();
}
// [/eager]

// [promise]
weft::Task<void> by_hand() {
  weft::Promise<int> promise;
  auto waiting = weft::spawn(reader, "a coroutine", promise.result());
  promise.result().on_complete(
      [](const int& value) { say("a callback has got " + std::to_string(value)); });
  co_await let_others_run();
  say("the promise is set");
  promise.set_value(7);
  co_await std::move(waiting);
  co_await let_others_run();
}
// [/promise]

weft::Task<void> program() {
  co_await lazy();
  co_await eager();
  co_await by_hand();
}

const std::vector<std::string> expected{
    "a task was made",
    "nobody has awaited it",
    "  lazy: works",
    "  lazy: has its result",
    "somebody has",
    "a shared future was made",
    "  eager: works",
    "  eager: has its result",
    "nobody has asked",
    "the first has got 42",
    "the second has got 42",
    "  dropped eager: works",
    "  dropped eager: has its result",
    "the promise is set",
    "a coroutine has got 7",
    "a callback has got 7",
};

int main() {
  weft::block_on(program());
  if (trace == expected) return 0;
  std::printf("not the order that was expected\n");
  return 1;
}
