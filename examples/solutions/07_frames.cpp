// Exercise 7.3: how many frames there are. A promise may have an operator new: the frame is
// allocated by it.
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <new>
#include <utility>

// [counted]
int frames = 0;

/// A lazy task without a result, whose frames are counted.
class Counted {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  class promise_type {
   public:
    static void* operator new(std::size_t bytes) {
      ++frames;
      return ::operator new(bytes);
    }
    static void operator delete(void* frame, std::size_t bytes) {
      --frames;
      ::operator delete(frame, bytes);
    }
    // [/counted]

    class Final {
     public:
      Final() = default;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(Handle ended) const noexcept {
        return ended.promise().continuation_;
      }
      void await_resume() const noexcept {}
    };

    Counted get_return_object() { return Counted(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }

   private:
    friend Counted;
    std::coroutine_handle<> continuation_ = std::noop_coroutine();
  };

  class Awaiter {
   public:
    explicit Awaiter(Handle child) : child_(child) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) const noexcept;
    void await_resume() const noexcept {}

   private:
    Handle child_;
  };

  Counted(Counted&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    if (frame_) frame_.destroy();
  }
  Awaiter operator co_await() const noexcept { return Awaiter(frame_); }
  void start() const { frame_.resume(); }

 private:
  explicit Counted(Handle frame) : frame_(frame) {}

  Handle frame_;
};

std::coroutine_handle<> Counted::Awaiter::await_suspend(
    std::coroutine_handle<> parent) const noexcept {
  child_.promise().continuation_ = parent;
  return child_;
}

// [chain]
Counted descend(int levels) {
  if (levels > 0) {
    co_await descend(levels - 1);
    co_return;
  }
  std::printf("at the bottom:       %d frames\n", frames);
  co_await std::suspend_always();  // it waits here for ever
}

int main() {
  {
    const Counted never_started = descend(9);
    std::printf("made, not started:   %d frame\n", frames);
  }
  std::printf("dropped:             %d frames\n", frames);
  {
    const Counted task = descend(9);
    task.start();
  }
  std::printf("dropped as it waits: %d frames\n", frames);
}
// [/chain]
