// A leaf in the poll style, made of nothing but Poll, Context and Waker: polled by hand, awaited by
// a coroutine and by a fiber. With `first_waker` it keeps the wrong waker.
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>
#include <weft/weft.hpp>

#include "handle_watch.hpp"
#include "pipe.hpp"
#include "signal.hpp"
#include "thread_waker.hpp"

// [three]
void by_hand(HandleWatch& watch, const Pipe& pipe) {
  HandleWatch::Readable readable = watch.readable(pipe.reader());
  ThreadWaker sleeper;
  const weft::Waker waker = sleeper.waker();
  weft::Context cx(waker);
  const bool at_once = readable.poll(cx).is_ready();
  pipe.put("a");
  int polls = 1;
  for (bool ready = at_once; !ready; ++polls) {
    sleeper.sleep();
    ready = readable.poll(cx).is_ready();
  }
  std::printf("by hand:   took '%c' after %d polls\n", pipe.take(), polls);
}

weft::Task<void> by_coroutine(HandleWatch& watch, const Pipe& pipe) {
  co_await watch.readable(pipe.reader());
  std::printf("coroutine: took '%c'\n", pipe.take());
}

void by_fiber(HandleWatch& watch, const Pipe& pipe) {
  weft::await(watch.readable(pipe.reader()));
  std::printf("fiber:     took '%c'\n", pipe.take());
}

weft::Task<void> give_up(HandleWatch& watch, const Pipe& pipe) {
  try {
    co_await weft::timeout(watch.readable(pipe.reader()), std::chrono::milliseconds(20));
  } catch (const weft::IoError& error) {
    std::printf("dropped:   %s\n", error.what());
  }
}
// [/three]

// [moved]
/// The future is polled by one task, and then by another: the second one waits.
void poll_twice(HandleWatch::Keeps keeps) {
  const Pipe pipe;
  HandleWatch watch(keeps);
  HandleWatch::Readable readable = watch.readable(pipe.reader());
  WakeCounter first;
  WakeCounter second;
  for (WakeCounter* const poller : {&first, &second}) {
    const weft::Waker waker = poller->waker();
    weft::Context cx(waker);
    static_cast<void>(readable.poll(cx));
  }
  pipe.put("x");
  while (first.count() + second.count() == 0) std::this_thread::yield();
  std::printf("keeps the %s waker: the first was woken %d times, the second %d times\n",
              keeps == HandleWatch::Keeps::latest ? "latest" : "first", first.count(),
              second.count());
}
// [/moved]

int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "first_waker") {
    poll_twice(HandleWatch::Keeps::first);
    return 0;
  }
  const Pipe pipe;
  HandleWatch watch;
  by_hand(watch, pipe);
  weft::Runtime runtime;
  pipe.put("b");
  runtime.block_on(by_coroutine(watch, pipe));
  pipe.put("c");
  runtime.block_on(weft::fiber([&] { by_fiber(watch, pipe); }));
  runtime.block_on(give_up(watch, pipe));
  poll_twice(HandleWatch::Keeps::latest);
}
