// A byte comes at some moment while a program begins to wait for it. Two orders of the program's
// two steps, three moments: is the byte seen, does it wake, or is it lost?
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "pipe.hpp"
#include "poller.hpp"

// [reactor]
/// One handle, watched from the beginning, edge-triggered. An event wakes what waits; if nothing
/// does, the event is gone.
class Reactor {
 public:
  explicit Reactor(int fd) { poller_.registry().add(fd, 0, {.readable = true}); }
  void start_waiting() { waits_ = true; }
  [[nodiscard]] bool woken() const { return woken_; }

  void turn() {
    poller_.wait(0);
    while (poller_.next()) woken_ = woken_ || waits_;
  }

 private:
  Poller poller_;
  bool waits_ = false;
  bool woken_ = false;
};
// [/reactor]

enum class Moment { before, between, after };
/// Lets the byte come if this is its moment, and the reactor turn: in a program of two threads the
/// other one would do that.
using Comes = std::function<void(Moment)>;

// [orders]
const char* look_then_register(const Pipe& pipe, Reactor& reactor, const Comes& comes) {
  comes(Moment::before);
  if (pipe.take() != '\0') return "seen";
  comes(Moment::between);
  reactor.start_waiting();
  comes(Moment::after);
  return reactor.woken() ? "woken" : "lost";
}

const char* register_then_look(const Pipe& pipe, Reactor& reactor, const Comes& comes) {
  comes(Moment::before);
  reactor.start_waiting();
  comes(Moment::between);
  if (pipe.take() != '\0') return "seen";
  comes(Moment::after);
  return reactor.woken() ? "woken" : "lost";
}
// [/orders]

// [kernel]
/// The handle is not watched yet: to register is to tell the kernel.
const char* look_then_add(const Pipe& pipe, Reactor& /*reactor*/, const Comes& comes) {
  Poller poller;
  comes(Moment::before);
  if (pipe.take() != '\0') return "seen";
  comes(Moment::between);
  poller.registry().add(pipe.reader(), 0, {.readable = true});
  comes(Moment::after);
  return poller.wait(0) ? "woken" : "lost";
}
// [/kernel]

void row(const char* name, const char* (*steps)(const Pipe&, Reactor&, const Comes&)) {
  std::printf("%-24s", name);
  for (const Moment moment : {Moment::before, Moment::between, Moment::after}) {
    const Pipe pipe(O_NONBLOCK);
    Reactor reactor(pipe.reader());
    const Comes comes = [&](Moment now) {
      if (now != moment) return;
      pipe.put("!");
      reactor.turn();
    };
    std::printf(" %-8s", steps(pipe, reactor, comes));
  }
  std::printf("\n");
}

int main() {
  std::printf("%-24s %-8s %-8s %-8s\n", "the byte comes:", "before", "between", "after");
  row("look, then register", look_then_register);
  row("register, then look", register_then_look);
  row("look, then EPOLL_CTL_ADD", look_then_add);
}
