// WaiterLeaf: the leaf of a task that waits in a queue of waiters, and ThreadWaiter, the wait of a
// thread there. For those who write awaiters for what has a WaiterList.
//
// An awaiter L is a WaiterLeaf<L> and a Waiter, and has, for the leaf to call:
//   Queued queue()     puts the waiter into its queue, unless it can be served at once, or
//                      withdraw() came first
//   bool withdraw()    takes it back, and gives true: it will not be served. False: it has been,
//                      or is not there yet, and queue() will refuse it. Any thread
// Who it waits for serves it by the Waiter's wake function, which calls served(). Whatever it waits
// for may be gone as soon as it has been served; but for a cancel that has come by then and is
// about to call withdraw(), for whose task it must stay until that has ended.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/extend/waiter.hpp>

#include <chrono>

namespace weft {

/// What needs no template of a WaiterLeaf.
class WaiterLeafBase : protected CancelHook {
 protected:
  using CancelHook::CancelHook;
  ~WaiterLeafBase() = default;

  using Queue = Queued (*)(WaiterLeafBase&) noexcept;
  [[nodiscard]] bool suspend_by(Queue queue, PromiseBase& innermost) noexcept;
  /// The last act of a cancel: `withdrawn` says whether the waiter was taken back.
  void end_cancel(bool withdrawn) noexcept;
  /// It has been served, by whoever did: the task goes on. It may be gone when this returns.
  void served() noexcept { task_->leaf_ended(false); }

  /// For an awaiter that does something else before it suspends: suspend() notes it, too.
  void waits_for(TaskHeader& task) noexcept { task_ = &task; }
  [[nodiscard]] TaskHeader& waiting_task() const noexcept { return *task_; }

 private:
  TaskHeader* task_ = nullptr;
};

template <class L>
class WaiterLeaf : public WaiterLeafBase {
 public:
  /// Within await_suspend: waits until it is served. False: it has been served at once, go on.
  /// Cancel: takes the waiter back and ends the task; if it is being served, the task goes on.
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept {
    return suspend_by([](WaiterLeafBase& self) noexcept { return leaf(self).queue(); }, innermost);
  }

 protected:
  WaiterLeaf() noexcept : WaiterLeafBase(&WaiterLeaf::on_cancel_request) {}
  ~WaiterLeaf() = default;

 private:
  // SAFETY: the functions of this class are given only to the base of an L, which stays until
  // request_finished().
  static L& leaf(WaiterLeafBase& self) noexcept { return static_cast<L&>(self); }
  static void on_cancel_request(CancelHook& self) noexcept {
    auto& base = static_cast<WaiterLeaf&>(self);
    base.end_cancel(leaf(base).withdraw());
  }
};

/// A thread that waits to be served.
class ThreadWaiter final : public Waiter {
 public:
  ThreadWaiter() noexcept : Waiter(&ThreadWaiter::on_served) {}
  void wait() noexcept { parker_.park(); }
  /// False if the time was over first: then it is still to be taken back.
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

}  // namespace weft
