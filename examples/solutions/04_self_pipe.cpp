// Solution to exercise 2 of chapter 4: a wake from another thread without an eventfd, by a pipe.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <thread>

#include "../guide/pipe.hpp"
#include "../guide/poller.hpp"

// [waker]
/// Both ends do not block: a full pipe must not stop the waking thread, nor an empty one the queue.
class PipeWaker {
 public:
  explicit PipeWaker(Registry& registry, std::uint64_t token) {
    registry.add(pipe_.reader(), token, {.readable = true});
  }
  /// Any thread. If the pipe is full (EAGAIN), the queue has a wake before it already.
  void wake() const { static_cast<void>(write(pipe_.writer(), "!", 1)); }

  /// After the event: takes out all wakes that have come. Gives how many there were.
  [[nodiscard]] std::size_t take() const {
    std::array<char, 4096> bytes;
    std::size_t taken = 0;
    for (ssize_t got = 1; got > 0; taken += static_cast<std::size_t>(got)) {
      got = read(pipe_.reader(), bytes.data(), bytes.size());
      if (got < 0) break;
    }
    return taken;
  }

 private:
  Pipe pipe_{O_NONBLOCK};
};
// [/waker]

// [use]
void wait_and_tell(Poller& poller, const PipeWaker& waker) {
  poller.wait();
  int events = 0;
  std::size_t taken = 0;
  while (poller.next()) {
    ++events;
    taken += waker.take();
  }
  std::printf("%d event, %zu taken out of the pipe\n", events, taken);
}

int main() {
  Poller poller;
  const PipeWaker waker(poller.registry(), 0);
  std::jthread([&waker] {
    for (int wake = 0; wake < 100'000; ++wake) waker.wake();
  }).join();
  std::printf("100000 wakes before the wait: ");
  wait_and_tell(poller, waker);

  const std::jthread other([&waker] { waker.wake(); });
  std::printf("one, now or while it sleeps:  ");
  wait_and_tell(poller, waker);
}
// [/use]
