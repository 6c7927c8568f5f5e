// Bell: a leaf of one's own, with public headers alone. Any thread may ring it; a task waits for
// it, and can be cancelled while it does.
#pragma once

#include <weft/extend/leaf.hpp>

#include <coroutine>
#include <mutex>
#include <utility>

// [bell]
/// One task at a time waits for it. A ring without a waiting task is kept for the next.
class Bell {
 public:
  class Wait : private weft::CancelHook {
   public:
    explicit Wait(Bell& bell) noexcept : CancelHook(&Wait::on_cancel_request), bell_(bell) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <weft::WeftPromise P>
    bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
      return suspend(innermost.promise());
    }
    void await_resume() const noexcept {}

   private:
    friend class Bell;
    bool suspend(weft::PromiseBase& innermost) noexcept;
    static void on_cancel_request(CancelHook& self) noexcept;

    Bell& bell_;
    weft::TaskHeader* task_ = nullptr;
    bool refused_ = false;  // guarded by the bell's mutex: the cancel came first
  };

  /// What is awaited: a description, from which each `co_await` makes its own leaf.
  class Ringing {
   public:
    explicit Ringing(Bell& bell) noexcept : bell_(bell) {}
    Wait operator co_await() const noexcept { return Wait(bell_); }

   private:
    Bell& bell_;
  };
  [[nodiscard]] Ringing rings() noexcept { return Ringing(*this); }

  /// Any thread.
  void ring() {
    weft::TaskHeader* task = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_ == nullptr) {
        rung_ = true;
        return;
      }
      task = std::exchange(waiting_, nullptr)->task_;
    }
    task->leaf_ended(false);  // the wake: now the task may run and destroy the leaf
  }

  /// For programs that show what happens: whether a ring is kept, whether a task waits.
  [[nodiscard]] bool is_rung() {
    const std::lock_guard lock(mutex_);
    return rung_;
  }
  [[nodiscard]] bool is_waited_for() {
    const std::lock_guard lock(mutex_);
    return waiting_ != nullptr;
  }

 private:
  std::mutex mutex_;
  Wait* waiting_ = nullptr;  // guarded by mutex_
  bool rung_ = false;        // guarded by mutex_
};
// [/bell]

// [suspend]
inline bool Bell::Wait::suspend(weft::PromiseBase& innermost) noexcept {
  weft::TaskHeader& task = innermost.task();
  task_ = &task;
  task.suspended_at(innermost);  // 1: here the task will go on
  if (!task.arm(*this)) {        // 2: this is how to cancel it …
    task.leaf_ended(true);       //    … unless a cancel was requested already
    return true;
  }
  bool already_rung = false;
  {
    const std::lock_guard lock(bell_.mutex_);
    already_rung = !refused_ && std::exchange(bell_.rung_, false);
    if (!already_rung && !refused_) {
      bell_.waiting_ = this;  // 3: wait. Another thread may ring at once: touch nothing more
      return true;
    }
  }
  if (already_rung) return !task.leaf_ended_inline();  // no need to wait
  task.leaf_ended(true);
  return true;
}
// [/suspend]

// [cancel]
inline void Bell::Wait::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a Wait.
  auto& wait = static_cast<Wait&>(self);
  weft::TaskHeader* const task = wait.task_;
  bool withdrawn = false;
  {
    const std::lock_guard lock(wait.bell_.mutex_);
    wait.refused_ = true;
    withdrawn = wait.bell_.waiting_ == &wait;
    if (withdrawn) wait.bell_.waiting_ = nullptr;
  }
  if (withdrawn) task->leaf_ended(true);  // else a ring was first, and is delivered
  task->request_finished();
}
// [/cancel]
