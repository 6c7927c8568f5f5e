// A first task type: it resumes the one that awaited it, and so goes deeper with every await. A
// child process shows what comes of it.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

// [task]
/// A lazy coroutine that gives an int, and can be awaited by others.
class IntTask {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  class Final {  // at the end of a task
   public:
    Final() = default;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(Handle ended) const noexcept;
    void await_resume() const noexcept {}
  };

  class Awaiter {  // in the task that awaits it
   public:
    explicit Awaiter(Handle child) : child_(child) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> parent) const;
    [[nodiscard]] int await_resume() const;

   private:
    Handle child_;
  };

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
// [/task]

// [resume]
void IntTask::Awaiter::await_suspend(std::coroutine_handle<> parent) const {
  child_.promise().continuation_ = parent;  // first: the child may end at once
  child_.resume();
}

int IntTask::Awaiter::await_resume() const { return child_.promise().value_; }

void IntTask::Final::await_suspend(Handle ended) const noexcept {
  ended.promise().continuation_.resume();
}
// [/resume]

// [million]
IntTask one() { co_return 1; }

/// How far it came, where the parent process sees it.
int* counted = nullptr;

IntTask count_to(int limit) {
  int sum = 0;
  while (sum < limit) {
    sum += co_await one();  // one() never waits: it is ready at once
    *counted = sum;
  }
  co_return sum;
}
// [/million]

void count_in_a_child(int limit) {
  std::printf("%d awaits: ", limit);
  std::fflush(stdout);
  *counted = 0;
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    const rlimit stack{1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &stack);
    const IntTask task = count_to(limit);
    task.start();
    _exit(task.result() == limit ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    std::printf("ended after %d: %s\n", *counted, strsignal(WTERMSIG(status)));
  } else {
    std::printf("%s\n", WEXITSTATUS(status) == 0 ? "done" : "wrong");
  }
}

int main() {
  void* const shared =
      mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  counted = static_cast<int*>(shared);
  count_in_a_child(100);
  count_in_a_child(1'000'000);
}
