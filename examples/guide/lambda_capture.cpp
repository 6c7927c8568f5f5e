// A coroutine that is a lambda: its captures are in the lambda, not in the frame. An object that
// knows which of its kind are alive shows when they go.
#include <coroutine>
#include <cstdio>
#include <set>
#include <utility>

#include "own_task.hpp"

// [name]
/// Keeps a list of those that are alive. It is asked by address only: to read an object that has
/// gone could print anything.
class Name {
 public:
  Name() { alive.insert(this); }
  Name(const Name&) { alive.insert(this); }
  ~Name() { alive.erase(this); }
  Name& operator=(const Name&) = default;

  static const char* state_of(const Name* name) { return alive.contains(name) ? "alive" : "gone"; }

 private:
  static inline std::set<const Name*> alive;
};
// [/name]

/// Stops once; resumed by hand.
class Gate {
 public:
  Gate() = default;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting_, nullptr).resume(); }

 private:
  std::coroutine_handle<> waiting_;
};

// The coroutines stop here. (A global object: to find it, no capture is read.)
Gate gate;

// [wrong]
OwnTask<int> greet_later() {
  const Name name;
  auto greet = [name]() -> OwnTask<int> {
    std::printf("a capture:   %s,", Name::state_of(&name));
    co_await gate;
    std::printf(" then %s\n", Name::state_of(&name));
    co_return 0;
  };
  OwnTask<int> task = greet();
  task.start();  // it runs to its co_await …
  return task;   // … and goes out; `greet` with its captures ends here
}
// [/wrong]

// [right]
OwnTask<int> greet_rightly() {
  const Name name;
  auto greet = [](Name copy) -> OwnTask<int> {  // captures nothing
    std::printf("a parameter: %s,", Name::state_of(&copy));
    co_await gate;
    std::printf(" then %s\n", Name::state_of(&copy));
    co_return 0;
  };
  OwnTask<int> task = greet(name);
  task.start();
  return task;
}
// [/right]

int main() {
  // [main]
  const OwnTask<int> wrong = greet_later();
  gate.open();
  const OwnTask<int> right = greet_rightly();
  gate.open();
  // [/main]
}
