// Exercise 7.2: a generator by hand. `co_yield value` is `co_await promise.yield_value(value)`.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

// [generator]
class Numbers {
 public:
  class promise_type {
   public:
    Numbers get_return_object() { return Numbers(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(const int& value) noexcept {
      value_ = std::addressof(value);  // it is in the frame, and lives while the frame is stopped
      return {};
    }
    void return_void() {}
    void unhandled_exception() { throw; }  // out of resume(): into the consumer
    [[nodiscard]] int value() const { return *value_; }

   private:
    const int* value_ = nullptr;
  };

  ~Numbers() { frame_.destroy(); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  /// Runs to the next co_yield. Gives false at the end.
  bool next() {
    frame_.resume();
    return !frame_.done();
  }
  [[nodiscard]] int value() const { return frame_.promise().value(); }

 private:
  using Handle = std::coroutine_handle<promise_type>;
  explicit Numbers(Handle frame) : frame_(frame) {}

  Handle frame_;
};
// [/generator]

/// Says when it goes.
class Farewell {
 public:
  Farewell() = default;
  ~Farewell() { std::puts("the generator's locals are destroyed"); }
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
};

// [fibonacci]
Numbers fibonacci() {
  const Farewell farewell;
  int now = 0;
  int next = 1;
  for (;;) {
    co_yield now;
    now = std::exchange(next, now + next);
  }
}
// [/fibonacci]

int main() {
  {
    Numbers numbers = fibonacci();
    while (numbers.next() && numbers.value() < 50) std::printf("%d ", numbers.value());
    std::printf("…\n");
  }
  std::puts("after the loop");
}
