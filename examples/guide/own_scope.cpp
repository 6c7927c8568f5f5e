// A scope by hand: it owns tasks, waits for them, passes on the first error, and cancels the others
// by destroying them where they wait.
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "own_task.hpp"

// [gate]
/// One coroutine waits here. One that is destroyed meanwhile waits no more.
class Gate {
 public:
  class Wait {
   public:
    explicit Wait(Gate& gate) : gate_(&gate) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
      if (gate_->waiting_ == this) gate_->waiting_ = nullptr;
    }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) noexcept {
      frame_ = frame;
      gate_->waiting_ = this;
    }
    void await_resume() const noexcept {}

   private:
    friend Gate;
    Gate* gate_;
    std::coroutine_handle<> frame_;
  };
  Wait operator co_await() { return Wait(*this); }

  /// Gives false if nothing waits.
  bool open() {
    if (waiting_ == nullptr) return false;
    std::exchange(waiting_, nullptr)->frame_.resume();
    return true;
  }

 private:
  Wait* waiting_ = nullptr;
};
// [/gate]

// [scope]
/// A local variable of the coroutine that owns the tasks, which must await ended().
class OwnScope {
 public:
  void spawn(OwnTask<int> task) {
    ++running_;
    children_.push_back(child(std::move(task)));
    children_.back().start();
  }

  /// Waits until all have ended, or one has failed. Then there are none, and the error is thrown.
  class Ended {
   public:
    explicit Ended(OwnScope& scope) : scope_(&scope) {}
    [[nodiscard]] bool await_ready() const noexcept { return scope_->is_over(); }
    void await_suspend(std::coroutine_handle<> owner) noexcept { scope_->owner_ = owner; }
    void await_resume() const {
      scope_->children_.clear();  // the cancel: whatever still waits is destroyed
      if (scope_->error_) std::rethrow_exception(scope_->error_);
    }

   private:
    OwnScope* scope_;
  };
  Ended ended() { return Ended(*this); }

 private:
  /// The last stop of a child: it is not resumed, but destroyed. Goes on with the owner, if the
  /// scope is over and it waits.
  class Stop {
   public:
    explicit Stop(OwnScope& scope) : scope_(&scope) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      --scope_->running_;
      if (!scope_->is_over() || !scope_->owner_) return std::noop_coroutine();
      return std::exchange(scope_->owner_, nullptr);
    }
    void await_resume() const noexcept {}

   private:
    OwnScope* scope_;
  };

  OwnTask<int> child(OwnTask<int> task) {
    try {
      co_await task;
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
    co_await Stop(*this);
    co_return 0;  // not reached
  }

  [[nodiscard]] bool is_over() const { return running_ == 0 || error_ != nullptr; }

  std::size_t running_ = 0;
  std::exception_ptr error_;
  std::coroutine_handle<> owner_;
  std::vector<OwnTask<int>> children_;
};
// [/scope]

/// Prints when it is destroyed, on every path.
class Presence {
 public:
  explicit Presence(const char* name) : name_(name) { std::printf("  %s: came\n", name_); }
  ~Presence() { std::printf("  %s: went, %s\n", name_, finished_ ? "done" : "undone"); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  void finish() { finished_ = true; }

 private:
  const char* name_;
  bool finished_ = false;
};

// [work]
OwnTask<int> work(const char* name, Gate& gate, bool succeeds) {
  Presence presence(name);
  try {
    co_await gate;
  } catch (...) {
    std::puts("  swallowed");  // is a cancel seen here?
  }
  if (!succeeds) throw std::runtime_error(name);
  presence.finish();
  co_return 0;
}

OwnTask<int> work_together(Gate& one, Gate& two, Gate& three, bool second_succeeds) {
  OwnScope scope;
  scope.spawn(work("first", one, true));
  scope.spawn(work("second", two, second_succeeds));
  scope.spawn(work("third", three, true));
  try {
    co_await scope.ended();
    std::puts("the scope has ended: all are done");
  } catch (const std::runtime_error& error) {
    std::printf("the scope has ended: %s has failed\n", error.what());
  }
  co_return 0;
}
// [/work]

// [main]
void run(bool second_succeeds) {
  Gate one;
  Gate two;
  Gate three;
  const OwnTask<int> task = work_together(one, two, three, second_succeeds);
  task.start();
  one.open();
  two.open();
  const bool waits = three.open();
  std::printf("the third one still waited: %s\n", waits ? "yes" : "no");
}
// [/main]

int main() {
  std::puts("all succeed:");
  run(true);
  std::puts("the second one fails:");
  run(false);
}
