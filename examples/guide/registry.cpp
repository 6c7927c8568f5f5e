// One thread sleeps in a Poller that watches nothing. Another one registers a pipe meanwhile, and
// then wakes it once more. A second registration of the pipe fails, and leaves the first as it is.
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
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
    const std::string seen =
        event ? "token " + std::to_string(event->token) + " is readable" : "no event";
    std::printf("%s: %s\n", why, seen.c_str());
  };
  Registry& registry = poller.registry();
  {
    const std::jthread other([&] { registry.add(pipe.reader(), 7, {.readable = true}); });
    wait_and_tell("registered by another thread");
  }
  {
    const std::jthread other([&] { registry.wake(); });
    wait_and_tell("woken by another thread");
  }
  // [/shared]
  // [twice]
  try {
    registry.add(pipe.reader(), 8, {.readable = true});  // it has been, under token 7
  } catch (const std::system_error& error) {
    std::printf("registered again: %s\n", error.code().message().c_str());
  }
  pipe.put("!");
  wait_and_tell("a byte more");
  // [/twice]
}
