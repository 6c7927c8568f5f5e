// What of a coroutine moves, and when: parameters, locals, the awaiter, the result, the handle.
#include <coroutine>
#include <cstdio>
#include <utility>

#include "own_task.hpp"

// [traveller]
/// Counts how often one of its kind was moved.
class Traveller {
 public:
  Traveller() = default;
  Traveller(Traveller&&) noexcept { ++moves; }
  Traveller& operator=(Traveller&&) noexcept {
    ++moves;
    return *this;
  }
  static inline int moves = 0;
};
// [/traveller]

// [gate]
/// Stops the coroutine, and notes where it is itself. Resumed by hand.
class Gate {
 public:
  explicit Gate(std::coroutine_handle<>& waiting) : waiting_(&waiting) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) noexcept {
    *waiting_ = frame;
    stopped_at_ = this;
  }
  [[nodiscard]] bool await_resume() const noexcept { return stopped_at_ == this; }

 private:
  std::coroutine_handle<>* waiting_;
  const Gate* stopped_at_ = nullptr;
};
// [/gate]

const char* moved(bool same) { return same ? "has not moved" : "has moved"; }

// [coroutine]
OwnTask<Traveller> travel(Traveller parameter, std::coroutine_handle<>& waiting) {
  std::printf("parameter: moved into the frame before the first line: %s\n",
              Traveller::moves > 0 ? "yes" : "no");
  Traveller local;
  const void* const parameter_was = &parameter;
  const void* const local_was = &local;
  Traveller::moves = 0;
  const bool awaiter_is_there = co_await Gate(waiting);
  std::printf("parameter: %s\n", moved(&parameter == parameter_was));
  std::printf("local:     %s\n", moved(&local == local_was));
  std::printf("awaiter:   %s\n", moved(awaiter_is_there));
  std::printf("moves while it waited, and its task was moved twice: %d\n", Traveller::moves);
  co_return std::move(local);
}
// [/coroutine]

int main() {
  // [main]
  std::coroutine_handle<> waiting;
  OwnTask<Traveller> task = travel(Traveller(), waiting);
  task.start();
  OwnTask<Traveller> second = std::move(task);
  OwnTask<Traveller> third = std::move(second);
  waiting.resume();
  Traveller::moves = 0;
  [[maybe_unused]] const Traveller result = third.result();
  std::printf("result:    moved out of the promise: %s\n", Traveller::moves > 0 ? "yes" : "no");
  // [/main]
}
