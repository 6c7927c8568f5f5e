// WaiterLeaf: the leaf of a task that waits in a queue of waiters, and ThreadWaiter, the wait of a
// thread there. For those who write awaiters for what has a WaiterList.
//
// An awaiter is a WaiterLeaf and a Waiter. Who it waits for queues it by queue(), takes it back by
// withdraw(), and serves it by the Waiter's wake function, which calls served(). Whatever it waits
// for may be gone as soon as it has been served.
#pragma once

#include <weft/atomic.hpp>
#include <weft/cancel.hpp>
#include <weft/task_header.hpp>
#include <weft/waiter.hpp>

#include <chrono>

namespace weft {

class WaiterLeaf : private CancelHook {
 public:
  /// Within await_suspend: waits until it is served. False: it has been served at once, go on.
  /// Cancel: takes the waiter back and ends the task; if it is being served, the task goes on.
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;

 protected:
  WaiterLeaf() noexcept : CancelHook(&WaiterLeaf::on_cancel_request) {}
  ~WaiterLeaf() = default;

  /// Puts the waiter into its queue, unless it can be served at once, or withdraw() came first.
  [[nodiscard]] virtual Queued queue() noexcept = 0;
  /// Takes it back, and gives true: it will not be served. False: it has been, or is not there yet,
  /// and queue() will refuse it. Any thread.
  [[nodiscard]] virtual bool withdraw() noexcept = 0;
  /// It has been served, by whoever did: the task goes on. It may be gone when this returns.
  void served() noexcept { task_->leaf_ended(false); }

 private:
  static void on_cancel_request(CancelHook& self) noexcept;

  TaskHeader* task_ = nullptr;
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
  static void on_served(Waiter& self) noexcept {
    static_cast<ThreadWaiter&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

/// Throws std::logic_error, naming `what`, on a thread that runs tasks: it must not block.
void require_thread_may_block(const char* what);

}  // namespace weft
