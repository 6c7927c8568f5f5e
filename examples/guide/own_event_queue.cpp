// The event queue of chapter 4 at work: tokens, level-triggered readiness, a wake from outside.
#include <cstdio>
#include <thread>

#include "pipe.hpp"
#include "tiny_queue.hpp"

constexpr std::uint64_t left = 1;
constexpr std::uint64_t right = 2;

// [show]
void show(std::span<const TinyEvent> events) {
  if (events.empty()) std::printf(" nothing");
  for (const TinyEvent& event : events) {
    std::printf(" %s", event.token == left ? "left" : "right");
  }
  std::printf("\n");
}
// [/show]

int main() {
  // [use]
  const Pipe left_pipe;
  const Pipe right_pipe;
  TinyQueue queue;
  queue.add(left_pipe.reader(), left, {.readable = true});
  queue.add(right_pipe.reader(), right, {.readable = true});

  std::printf("nothing was sent, 10 ms:   ");
  show(queue.wait(10));

  left_pipe.put("a");
  std::printf("a byte came on the left:   ");
  show(queue.wait());

  right_pipe.put("b");
  std::printf("one on the right as well:  ");
  show(queue.wait());

  static_cast<void>(left_pipe.take());
  static_cast<void>(right_pipe.take());
  const std::jthread other([&queue] { queue.wake(); });
  std::printf("woken by another thread:   ");
  show(queue.wait());
  // [/use]
}
