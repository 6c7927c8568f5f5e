// Exercise 2 of chapter 5: what a fiber's function throws comes out of resume().
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <utility>

#include "../guide/own_fiber.hpp"

// [fiber]
class ThrowingFiber {
 public:
  explicit ThrowingFiber(std::function<void()> function)
      : fiber_([this, function = std::move(function)] {
          try {
            function();
          } catch (...) {
            error_ = std::current_exception();  // caught on the stack on which it was thrown
          }
        }) {}

  /// Runs it until it yields or ends. Throws what it has thrown. False: it has ended.
  bool resume() {
    const bool goes_on = fiber_.resume();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return goes_on;
  }

 private:
  std::exception_ptr error_;
  Fiber fiber_;
};
// [/fiber]

namespace {

void deep(int level) {
  if (level > 0) return deep(level - 1);
  Fiber::yield();
  throw std::runtime_error("the soup has boiled over");
}

}  // namespace

int main() {
  ThrowingFiber cook([] { deep(10); });
  std::printf("first resume:  %s\n", cook.resume() ? "goes on" : "has ended");
  try {
    cook.resume();
  } catch (const std::runtime_error& error) {
    std::printf("second resume: %s\n", error.what());
  }
  std::printf("third resume:  %s\n", cook.resume() ? "goes on" : "has ended");
}
