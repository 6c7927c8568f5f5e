// Exercise 10.2: an executor that asks its reactor only when nothing can run, and a task that can
// always run.
#include <cstdio>
#include <deque>
#include <functional>
#include <utility>

#include "../guide/pipe.hpp"
#include "../guide/tiny_queue.hpp"

// [loop]
/// The loop of chapter 10's first runtime, with functions in the place of coroutines.
class Loop {
 public:
  /// `turns`: the reactor is asked after so many at the latest; 0: only when nothing can run.
  explicit Loop(int turns) : turns_(turns) {}

  void spawn(std::function<void()> task) { ready_.push_back(std::move(task)); }
  void when_readable(int fd, std::function<void()> task) {
    queue_.add(fd, 0, {.readable = true});
    waiting_ = std::move(task);
  }

  void run() {
    int turn = 0;
    while (!ready_.empty() || waiting_) {
      if (ready_.empty()) {
        turn_reactor(-1);
      } else if (turns_ != 0 && ++turn % turns_ == 0) {
        turn_reactor(0);  // only looks: it must not sleep while tasks can run
      }
      if (ready_.empty()) continue;
      const std::function<void()> task = std::move(ready_.front());
      ready_.pop_front();
      task();
    }
  }

 private:
  void turn_reactor(int limit_ms) {
    if (!queue_.wait(limit_ms).empty() && waiting_) {
      ready_.push_back(std::exchange(waiting_, nullptr));
    }
  }

  int turns_;
  TinyQueue queue_;
  std::deque<std::function<void()>> ready_;
  std::function<void()> waiting_;
};
// [/loop]

// [greedy]
/// A byte is there from the beginning. How often has the greedy task run when it is read?
int turns_before_the_byte(int reactor_after, int most_turns) {
  const Pipe pipe;
  pipe.put("x");
  Loop loop(reactor_after);
  int turns = 0;
  int seen_after = -1;
  loop.when_readable(pipe.reader(), [&] { seen_after = turns; });
  std::function<void()> greedy = [&] {
    if (++turns < most_turns && seen_after < 0) loop.spawn(greedy);
  };
  loop.spawn(greedy);
  loop.run();
  return seen_after;
}
// [/greedy]

int main() {
  std::printf("asked when nothing can run: after %d turns\n", turns_before_the_byte(0, 100'000));
  std::printf("asked every 61 turns:       after %d turns\n", turns_before_the_byte(61, 100'000));
}
