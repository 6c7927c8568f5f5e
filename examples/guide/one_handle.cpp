// One handle, waited for in three ways: by a coroutine, by a fiber, and by a thread that polls.
#include <cstdio>
#include <thread>
#include <weft/weft.hpp>

#include "pipe.hpp"
#include "thread_waker.hpp"

/// Says what came, and on which kind of thread.
void say(const char* way, const Pipe& pipe, std::thread::id main_thread) {
  const bool on_main = std::this_thread::get_id() == main_thread;
  std::printf("%-10s took '%c' on %s\n", way, pipe.take(),
              on_main ? "the main thread" : "a worker");
}

// [coroutine]
weft::Task<void> by_coroutine(const Pipe& pipe, std::thread::id main_thread) {
  weft::Pollable handle(pipe.reader());
  co_await handle.readable();
  say("coroutine:", pipe, main_thread);
}
// [/coroutine]

// [fiber]
void by_fiber(const Pipe& pipe, std::thread::id main_thread) {
  weft::Pollable handle(pipe.reader());
  weft::await(handle.readable());
  say("fiber:", pipe, main_thread);
}
// [/fiber]

// [hand]
void by_hand(weft::Runtime& runtime, const Pipe& pipe, std::thread::id main_thread) {
  weft::Pollable handle(pipe.reader());
  auto future = runtime.as_future(handle.readable());
  ThreadWaker sleeper;
  const weft::Waker waker = sleeper.waker();
  weft::Context cx(waker);
  weft::Poll<void> result = future.poll(cx);  // starts the wait
  std::printf("by hand:   %s\n", result.is_ready() ? "ready" : "pending");
  pipe.put("c");
  while (result.is_pending()) {
    sleeper.sleep();
    result = future.poll(cx);
  }
  say("by hand:", pipe, main_thread);
}
// [/hand]

// [main]
int main() {
  const auto main_thread = std::this_thread::get_id();
  const Pipe pipe;
  weft::Runtime runtime;
  auto first = runtime.spawn([&] { return by_coroutine(pipe, main_thread); });
  pipe.put("a");
  runtime.block_on(std::move(first));
  auto second = runtime.spawn(weft::fiber([&] { by_fiber(pipe, main_thread); }));
  pipe.put("b");
  runtime.block_on(std::move(second));
  by_hand(runtime, pipe, main_thread);
}
// [/main]
