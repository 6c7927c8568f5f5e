// A coroutine type made by hand, which says aloud what the compiler has it do.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <utility>

// [type]
/// A coroutine that gives an int and is resumed by whoever holds it.
class Job {
 public:
  class promise_type {
   public:
    promise_type() { std::puts("  promise: made, inside the frame"); }
    ~promise_type() { std::puts("  promise: destroyed with the frame"); }

    Job get_return_object() { return Job(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept {
      std::puts("  initial_suspend: stop before the first line");
      return {};
    }
    void return_value(int value) {
      std::puts("  return_value: the promise keeps the result");
      value_ = value;
    }
    void unhandled_exception() { std::terminate(); }
    std::suspend_always final_suspend() noexcept {
      std::puts("  final_suspend: stop after the last line");
      return {};
    }
    [[nodiscard]] int value() const { return value_; }

   private:
    int value_ = 0;
  };

  ~Job() { frame_.destroy(); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void resume() { frame_.resume(); }
  [[nodiscard]] bool done() const { return frame_.done(); }
  [[nodiscard]] int value() const { return frame_.promise().value(); }

 private:
  using Handle = std::coroutine_handle<promise_type>;
  explicit Job(Handle frame) : frame_(frame) {}

  Handle frame_;
};
// [/type]

// [awaiter]
/// A leaf: what a coroutine waits for. The result is put in from outside.
class Parcel {
 public:
  Parcel() = default;
  [[nodiscard]] bool await_ready() const noexcept {
    std::printf("  await_ready: %s\n", full_ ? "yes, no need to stop" : "no");
    return full_;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    std::puts("  await_suspend: stopped; here is the handle to go on with");
    waiting_ = waiting;
  }
  [[nodiscard]] int await_resume() const noexcept {
    std::puts("  await_resume: here is the value");
    return value_;
  }

  void arrive(int value) {
    value_ = value;
    full_ = true;
    if (waiting_) std::exchange(waiting_, nullptr).resume();
  }

 private:
  bool full_ = false;
  int value_ = 0;
  std::coroutine_handle<> waiting_;
};
// [/awaiter]

// [coroutine]
Job unpack(Parcel& parcel) {
  std::puts("    unpack: first line");
  const int value = co_await parcel;
  std::printf("    unpack: got %d\n", value);
  co_return 2 * value;
}
// [/coroutine]

int main() {
  // [main]
  Parcel parcel;
  std::puts("main: calls unpack()");
  Job job = unpack(parcel);
  std::puts("main: resumes it");
  job.resume();
  std::puts("main: does something else; then the parcel arrives");
  parcel.arrive(21);
  std::printf("main: done: %s, value %d\n", job.done() ? "yes" : "no", job.value());
  // [/main]
}
