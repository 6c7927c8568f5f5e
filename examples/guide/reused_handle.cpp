// A library closes a handle, and gets the same number for another one. A task that waits for the
// number waits for nothing; an event queue is told of the change.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <weft/weft.hpp>

#include "pipe.hpp"

using std::chrono::milliseconds;

// [library]
/// Stands for a library that gives up a connection and opens the next. The system gives a new
/// handle the smallest number that is free.
class Connection {
 public:
  /// Called with a handle before it is closed, and with one after it was opened.
  std::function<void(int)> before_close = [](int) {};
  std::function<void(int)> after_open = [](int) {};

  [[nodiscard]] int handle() const { return pipe_->reader(); }
  void reconnect() {
    const int old = handle();
    before_close(old);
    pipe_.reset();
    pipe_.emplace();
    after_open(handle());
    std::printf("  the handle was %d, and is %d\n", old, handle());
    pipe_->put("x");
  }

 private:
  std::optional<Pipe> pipe_{std::in_place};
};

/// What the kernel says of a handle at this moment.
bool is_readable(int handle) {
  pollfd asked{.fd = handle, .events = POLLIN, .revents = 0};
  return poll(&asked, 1, 0) == 1;
}
// [/library]

weft::Task<void> reconnect_soon(Connection& connection) {
  co_await weft::sleep_for(milliseconds(10));
  connection.reconnect();
}

// [broken]
weft::Task<void> by_number(Connection& connection) {
  weft::Pollable handle(connection.handle());
  const auto ready = co_await weft::attempt(weft::timeout(handle.readable(), milliseconds(100)));
  std::printf("  the wait:   %s\n", ready ? "over" : ready.error().message().c_str());
  std::printf("  the kernel: %s\n", is_readable(connection.handle()) ? "readable" : "not readable");
}
// [/broken]

// [repaired]
weft::Task<void> by_queue(Connection& connection) {
  weft::EventQueue queue = weft::EventQueue::create().value();
  connection.before_close = [&](int handle) { static_cast<void>(queue.remove(handle)); };
  connection.after_open = [&](int handle) {
    static_cast<void>(queue.add(handle, 0, weft::Interest::readable));
  };
  connection.after_open(connection.handle());
  std::array<weft::Event, 4> room;
  const auto limit = weft::deadline_after(std::chrono::seconds(5));
  const weft::Events events = co_await weft::wait_for_events(queue, room, limit);
  std::printf("  the wait:   %s\n", events.empty() ? "for nothing" : "over");
  std::printf("  the kernel: %s\n", is_readable(connection.handle()) ? "readable" : "not readable");
}
// [/repaired]

weft::Task<void> both() {
  std::puts("a wait for a handle:");
  Connection first;
  co_await weft::when_all(by_number(first), reconnect_soon(first));
  std::puts("a wait for an event queue:");
  Connection second;
  co_await weft::when_all(by_queue(second), reconnect_soon(second));
}

int main() { weft::block_on(both()); }
