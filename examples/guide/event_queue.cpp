// weft's event queue by itself: tokens, one-shot, a limit, a wake, and errors that say what to do.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>
#include <weft/event_queue.hpp>

#include "pipe.hpp"

std::array<weft::Event, 8> room;

// [poll]
/// Polls for at most 10 ms and says what has come.
void poll(weft::EventQueue& queue) {
  const weft::Events events = queue.poll(room, std::chrono::milliseconds(10)).value();
  if (events.empty()) std::printf("nothing\n");
  for (const weft::Event& event : events) {
    std::printf("token %ju is %s\n", std::uintmax_t{event.token},
                event.readable ? "readable" : "not readable");
  }
}
// [/poll]

int main() {
  // [once]
  weft::EventQueue queue = weft::EventQueue::create().value();
  const Pipe pipe;
  const int fd = pipe.reader();
  queue.add(fd, 7, weft::Interest::readable, weft::Trigger::one_shot).value();

  pipe.put("x");
  std::printf("a byte has come:      ");
  poll(queue);
  std::printf("it is still there:    ");
  poll(queue);  // one-shot: reported once
  queue.modify(fd, 8, weft::Interest::readable, weft::Trigger::one_shot).value();
  std::printf("armed, new token:     ");
  poll(queue);
  // [/once]

  // [wake]
  std::jthread other([&queue] { queue.wake(); });
  const bool woken = queue.poll(room).value().empty();  // without a limit
  std::printf("wake():               %s\n", woken ? "poll returned, with nothing" : "an event?");
  // [/wake]

  // [file]
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const weft::Result<void> added = queue.add(file, 9, weft::Interest::readable);
  std::printf("a regular file:       %s\n", added.error().message().c_str());
  // [/file]
  close(file);
  queue.remove(fd).value();
}
