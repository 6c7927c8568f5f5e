// Exercise 7.1: a task without symmetric transfer whose stack does not grow either. What
// await_suspend gives, a bool, says whether to stop at all.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <utility>

class IntTask {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  // [ends]
  /// A task that ends while its parent is still in await_suspend leaves it to the parent to go on.
  class Final {
   public:
    Final() = default;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(Handle ended) const noexcept;
    void await_resume() const noexcept {}
  };

  class Awaiter {
   public:
    explicit Awaiter(Handle child) : child_(child) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) const;
    [[nodiscard]] int await_resume() const;

   private:
    Handle child_;
  };
  // [/ends]

  class promise_type {
   public:
    IntTask get_return_object() { return IntTask(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_value(int value) { value_ = value; }
    void unhandled_exception() { std::terminate(); }

   private:
    friend IntTask;
    std::coroutine_handle<> continuation_ = std::noop_coroutine();
    bool parent_looks_ = false;  // the parent is in await_suspend, and will see that it has ended
    int value_ = 0;
  };

  IntTask(IntTask&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  IntTask& operator=(IntTask&&) = delete;
  ~IntTask() {
    if (frame_) frame_.destroy();
  }

  Awaiter operator co_await() const noexcept { return Awaiter(frame_); }
  void start() const { frame_.resume(); }
  [[nodiscard]] int result() const { return frame_.promise().value_; }

 private:
  explicit IntTask(Handle frame) : frame_(frame) {}

  Handle frame_;
};

// [suspend]
bool IntTask::Awaiter::await_suspend(std::coroutine_handle<> parent) const {
  promise_type& promise = child_.promise();
  promise.continuation_ = parent;
  promise.parent_looks_ = true;
  child_.resume();
  promise.parent_looks_ = false;
  return !child_.done();  // false: it has ended already; the parent goes on without a stop
}

void IntTask::Final::await_suspend(Handle ended) const noexcept {
  if (!ended.promise().parent_looks_) ended.promise().continuation_.resume();
}
// [/suspend]

int IntTask::Awaiter::await_resume() const { return child_.promise().value_; }

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

IntTask one() { co_return 1; }

IntTask one_later(Gate& gate) {
  co_await gate;
  co_return 1;
}

IntTask count_to(int limit, Gate& gate) {
  int sum = co_await one_later(gate);
  while (sum < limit) sum += co_await one();
  co_return sum;
}

int main() {
  Gate gate;
  const IntTask task = count_to(1'000'000, gate);
  task.start();
  std::printf("waits at the gate; so far: %d\n", task.result());
  gate.open();
  std::printf("after the gate: %d\n", task.result());
}
