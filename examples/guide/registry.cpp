// One thread sleeps in a Poller that watches nothing. Another one registers a pipe meanwhile, and
// then wakes it once more.
#include <cstdio>
#include <optional>
#include <thread>

#include "pipe.hpp"
#include "poller.hpp"

int main() {
  const Pipe pipe;
  pipe.put("!");  // there before the pipe is registered
  Poller poller;
  // [shared]
  const auto wait_and_tell = [&poller](const char* why) {
    poller.wait();
    const std::optional<TinyEvent> event = poller.next();
    std::printf("%s: %s\n", why, event ? "token 7 is readable" : "no event");
  };
  Registry& registry = poller.registry();
  {
    const std::jthread other([&] { registry.add(pipe.reader(), 7, {.readable = true}); });
    wait_and_tell("registered by another thread");
  }
  const std::jthread other([&] { registry.wake(); });
  wait_and_tell("woken by another thread");
  // [/shared]
}
