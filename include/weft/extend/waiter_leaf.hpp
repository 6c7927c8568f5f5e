// WaiterLeaf: the leaf of a task that waits in a WaiterList, and ThreadWaiter, a thread's wait in
// one. For authors of awaiters for what has a WaiterList.
//
// An awaiter L derives from WaiterLeaf<L> and Waiter, and has, for the leaf to call:
//   Queued queue()     puts the waiter into its queue, unless it can be served at once, or
//                      withdraw() came first
//   bool withdraw()    takes the waiter back. True: it will not be served. False: it was served, or
//                      is not queued yet, and queue() will refuse it. Any thread
// The object that serves the waiter runs the Waiter's wake function, which calls served(). That
// object may be gone once the waiter was served, with one exception: if a cancel has come by then
// and is about to call withdraw(), the object must stay until that call has ended.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/extend/waiter.hpp>

#include <chrono>

namespace weft::inline v0_1 {

/// The part of a WaiterLeaf that needs no template.
class WaiterLeafBase : protected CancelHook {
 protected:
  using CancelHook::CancelHook;
  ~WaiterLeafBase() = default;

  using Queue = Queued (*)(WaiterLeafBase&) noexcept;
  [[nodiscard]] bool suspend_by(Queue queue, PromiseBase& innermost) noexcept;
  /// Ends a cancel; its last act. `withdrawn`: whether the waiter was taken back.
  void end_cancel(bool withdrawn) noexcept;
  /// The waiter was served, on any thread: resumes the task. The leaf may be gone when this
  /// returns.
  void served() noexcept { task_->leaf_ended(false); }

  /// For an awaiter that does something else before it suspends; suspend() sets it, too.
  void waits_for(TaskHeader& task) noexcept { task_ = &task; }
  [[nodiscard]] TaskHeader& waiting_task() const noexcept { return *task_; }

 private:
  TaskHeader* task_ = nullptr;
};

template <class L>
class WaiterLeaf : public WaiterLeafBase {
 public:
  /// Within await_suspend: waits until the waiter is served. False: it was served at once, go on.
  /// Cancel: takes the waiter back and ends the task; if it is being served, the task goes on.
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept {
    return suspend_by([](WaiterLeafBase& self) noexcept { return leaf(self).queue(); }, innermost);
  }

 protected:
  WaiterLeaf() noexcept : WaiterLeafBase(&WaiterLeaf::on_cancel_request) {}
  ~WaiterLeaf() = default;

 private:
  // SAFETY: only a WaiterLeafBase that is the base of an L gets these functions, and the L stays
  // until request_finished().
  static L& leaf(WaiterLeafBase& self) noexcept { return static_cast<L&>(self); }
  static void on_cancel_request(CancelHook& self) noexcept {
    auto& base = static_cast<WaiterLeaf&>(self);
    base.end_cancel(leaf(base).withdraw());
  }
};

/// The waiter of a thread.
class ThreadWaiter final : public Waiter {
 public:
  ThreadWaiter() noexcept : Waiter(&ThreadWaiter::on_served) {}
  void wait() noexcept { parker_.park(); }
  /// False: the timeout passed first; the caller must still take the waiter back.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout) noexcept {
    return parker_.park_for(timeout);
  }

 private:
  static void on_served(Runnable& self) noexcept {
    static_cast<ThreadWaiter&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

/// Throws std::logic_error, naming `what`, on a thread that runs tasks: it must not block.
void require_thread_may_block(const char* what);

}  // namespace weft::inline v0_1
