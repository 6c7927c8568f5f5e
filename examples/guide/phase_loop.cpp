// A loop of phases as Node.js has one, over weft's event queue:
//
//   timers → pending → poll → check → close → timers → …
//
// After every single callback the next-tick queue is emptied, then the microtasks, and so on until
// both are empty. The program prints what runs, and checks that it is the order that Node has.
#include <unistd.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/event_queue.hpp>

using Callback = std::function<void()>;
using Clock = std::chrono::steady_clock;

class PhaseLoop {
 public:
  void set_timeout(std::chrono::milliseconds after, Callback callback) {
    timers_.emplace(Clock::now() + after, std::move(callback));
  }
  void set_immediate(Callback callback) { check_.push_back(std::move(callback)); }
  void next_tick(Callback callback) { ticks_.push_back(std::move(callback)); }
  void microtask(Callback callback) { microtasks_.push_back(std::move(callback)); }
  /// What the system reports late, as the error of a connection that was tried.
  void pending(Callback callback) { pending_.push_back(std::move(callback)); }
  void on_readable(int fd, Callback callback) {
    queue_.add(fd, static_cast<std::uint64_t>(fd), weft::Interest::readable).value();
    readable_[fd] = std::move(callback);
  }
  void close(int fd, Callback callback) {
    queue_.remove(fd).value();
    readable_.erase(fd);
    close_.push_back([fd, callback = std::move(callback)] {
      ::close(fd);
      callback();
    });
  }

  void run() {
    drain();  // the main program has ended: what it left behind comes first
    while (!timers_.empty() || !readable_.empty() || has_work()) {
      run_timers();
      run_all(pending_);
      poll();
      run_all(check_);
      run_all(close_);
    }
  }

 private:
  using Phase = std::deque<Callback>;

  [[nodiscard]] bool has_work() const {
    return !pending_.empty() || !check_.empty() || !close_.empty();
  }

  void call(const Callback& callback) {
    callback();
    drain();
  }
  void drain() {
    while (!ticks_.empty() || !microtasks_.empty()) {
      empty(ticks_);
      empty(microtasks_);
    }
  }
  /// With all that its callbacks add to it.
  static void empty(Phase& queue) {
    while (!queue.empty()) {
      const Callback callback = std::move(queue.front());
      queue.pop_front();
      callback();
    }
  }
  /// What is there now: what a callback adds to its own phase waits for the next round.
  void run_all(Phase& phase) {
    for (const Callback& callback : std::exchange(phase, Phase())) call(callback);
  }
  void run_timers() {
    const Clock::time_point now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      call(timers_.extract(timers_.begin()).mapped());
    }
  }
  void poll() {
    std::array<weft::Event, 64> room;
    const weft::Events events = queue_.poll(room, how_long()).value();
    for (const weft::Event& event : events) {
      const Callback callback = readable_.at(event.handle);  // kept: it may close the handle
      call(callback);
    }
  }
  /// The only place to sleep: until there is something to do.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> how_long() const {
    if (has_work()) return std::chrono::nanoseconds(0);
    if (!timers_.empty()) return timers_.begin()->first - Clock::now();
    if (readable_.empty()) return std::chrono::nanoseconds(0);
    return std::nullopt;
  }

  weft::EventQueue queue_ = weft::EventQueue::create().value();
  std::multimap<Clock::time_point, Callback> timers_;
  std::map<int, Callback> readable_;
  Phase pending_, check_, close_, ticks_, microtasks_;
};

std::vector<std::string> trace;

const std::vector<std::string> expected{
    "the program",
    "  next tick, of the program",
    "  microtask, of the program",
    "timers: after 0 ms",
    "  next tick, of the timer",
    "  microtask, of the timer",
    "  microtask, of the microtask",
    "  next tick, of the microtask",
    "timers: the second after 0 ms",
    "pending: an error from earlier",
    "poll: a byte came",
    "  next tick, of poll",
    "check: set by the program",
    "check: set in poll, and before any timer",
    "close: the pipe",
    "timers: after 0 ms, set in poll",
    "timers: after 1 ms, set in poll",
};

Callback say(std::string what) {
  return [what = std::move(what)] {
    std::printf("%s\n", what.c_str());
    trace.push_back(what);
  };
}

// [reader]
void when_readable(PhaseLoop& loop, int fd) {
  char byte = 0;
  if (::read(fd, &byte, 1) != 1) return;
  say("poll: a byte came")();
  loop.set_timeout(std::chrono::milliseconds(1), say("timers: after 1 ms, set in poll"));
  loop.set_timeout(std::chrono::milliseconds(0), say("timers: after 0 ms, set in poll"));
  loop.set_immediate(say("check: set in poll, and before any timer"));
  loop.next_tick(say("  next tick, of poll"));
  loop.close(fd, say("close: the pipe"));
}
// [/reader]

int main() {
  using std::chrono_literals::operator""ms;
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0 || ::write(pipe[1], "x", 1) != 1) return 1;
  PhaseLoop loop;
  // [program]
  loop.set_timeout(0ms, [&loop] {
    say("timers: after 0 ms")();
    loop.microtask([&loop] {
      say("  microtask, of the timer")();
      loop.next_tick(say("  next tick, of the microtask"));
      loop.microtask(say("  microtask, of the microtask"));
    });
    loop.next_tick(say("  next tick, of the timer"));
  });
  loop.set_timeout(0ms, say("timers: the second after 0 ms"));
  loop.set_immediate(say("check: set by the program"));
  loop.pending(say("pending: an error from earlier"));
  loop.on_readable(pipe[0], [&loop, fd = pipe[0]] { when_readable(loop, fd); });
  loop.microtask(say("  microtask, of the program"));
  loop.next_tick(say("  next tick, of the program"));
  say("the program")();
  loop.run();
  // [/program]
  ::close(pipe[1]);
  if (trace == expected) return 0;
  std::printf("not the order that was expected\n");
  return 1;
}
