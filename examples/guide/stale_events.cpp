// One batch holds events for two connections. Handling the first closes the second, and a new
// connection gets its number. What happens to the second event?
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <weft/event_queue.hpp>

#include "pipe.hpp"
#include "poller.hpp"
#include "tiny_queue.hpp"

/// Two pipes that are readable, and a third, empty one that takes the second's place.
class Connections {
 public:
  Connections() {
    first_.put("1");
    second_.put("2");
  }
  [[nodiscard]] int first() const { return first_.reader(); }
  [[nodiscard]] int second() const { return second_.reader(); }

  // [reuse]
  /// Closes the other connection; the next one to be opened gets its number. (The kernel always
  /// gives out the lowest number that is free; dup2 makes sure that it is this one.)
  int replace_other(int handled) {
    const int other = handled == first() ? second() : first();
    return dup2(third_.reader(), other);
  }
  // [/reuse]

 private:
  Pipe first_;
  Pipe second_;
  Pipe third_;
};

// [tiny]
int handled_by_tiny_queue() {
  Connections connections;
  TinyQueue queue;
  for (const int fd : {connections.first(), connections.second()}) {
    queue.add(fd, static_cast<std::uint64_t>(fd), {.readable = true});
  }
  int handled = 0;
  for (const TinyEvent& event : queue.wait()) {
    const int fd = static_cast<int>(event.token);
    if (++handled == 1) {
      queue.remove(fd == connections.first() ? connections.second() : connections.first());
      const int fresh = connections.replace_other(fd);
      queue.add(fresh, static_cast<std::uint64_t>(fresh), {.readable = true});
    }
  }
  return handled;
}
// [/tiny]

// [generations]
int handled_by_poller() {
  Connections connections;
  Poller poller;
  for (const int fd : {connections.first(), connections.second()}) {
    poller.registry().add(fd, static_cast<std::uint64_t>(fd), {.readable = true});
  }
  int handled = 0;
  poller.wait();
  while (const std::optional<TinyEvent> event = poller.next()) {
    const int fd = static_cast<int>(event->token);
    if (++handled == 1) {
      poller.registry().remove(fd == connections.first() ? connections.second()
                                                         : connections.first());
      const int fresh = connections.replace_other(fd);
      poller.registry().add(fresh, static_cast<std::uint64_t>(fresh), {.readable = true});
    }
  }
  return handled;
}
// [/generations]

// [weft]
int handled_by_event_queue() {
  Connections connections;
  weft::EventQueue queue = weft::EventQueue::create().value();
  for (const int fd : {connections.first(), connections.second()}) {
    queue.add(fd, 0, weft::Interest::readable).value();
  }
  std::array<weft::Event, 8> room;
  int handled = 0;
  const weft::Events events = queue.poll(room).value();
  for (const weft::Event& event : events) {
    const int fd = event.handle;
    if (++handled == 1) {
      queue.remove(fd == connections.first() ? connections.second() : connections.first()).value();
      queue.add(connections.replace_other(fd), 0, weft::Interest::readable).value();
    }
  }
  return handled;
}
// [/weft]

int main() {
  std::printf("one connection is ready, the other one new and silent; events handled:\n");
  std::printf("TinyQueue         %d\n", handled_by_tiny_queue());
  std::printf("Poller            %d\n", handled_by_poller());
  std::printf("weft::EventQueue  %d\n", handled_by_event_queue());
}
