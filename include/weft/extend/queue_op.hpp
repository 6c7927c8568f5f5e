// QueueOp<R>: what is awaited to wait in a queue of waiters, for a lock, an event and the like; and
// the same for threads. For those who write what has a queue.
//
// A request type R says what is waited for, and how:
//   R::Node                      what stands in the queue: a Waiter, made from a Waiter::Wake
//   bool take(Node&)             called first: whether it can be had at once, without the queue
//   Queued queue(Node&)          then: puts the node into the queue, or serves it at once
//   bool withdraw(Node&)         takes it back, as a WaiterLeaf does
//   Result result(Node&)         once it was served: what the wait gives; it takes no back
// A request is a value that is copied: mostly a pointer. What it points to is touched by result()
// only if the served may count on it.
#pragma once

#include <weft/detail/task_executor.hpp>
#include <weft/extend/waiter_leaf.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <utility>

namespace weft {

/// Waits for what R says, within the frame that awaits it.
///
/// What is had at once spends the task's budget. A task that has spent it takes nothing yet: it
/// lets the others have their turn first, who would wait for its lock otherwise, each of them, and
/// the lock would be handed from one to the next for as long as they ask for it.
template <class R>
class QueueAwaiter final : private WaiterLeaf<QueueAwaiter<R>>, private R::Node {
  using Node = typename R::Node;
  friend class WaiterLeaf<QueueAwaiter>;

 public:
  explicit QueueAwaiter(R request) noexcept
      : Node(&QueueAwaiter::on_served), request_(std::move(request)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    TaskHeader& task = innermost.promise().task();
    if (!task.spend_budget()) [[unlikely]]
      return begin_later(innermost.promise());
    return begin(innermost.promise());
  }
  [[nodiscard]] auto await_resume() noexcept { return request_.result(*this); }

 private:
  /// False: it has what it waits for.
  [[nodiscard]] bool begin(PromiseBase& innermost) noexcept {
    // Nothing is taken once a cancel was asked for. What is had at once needs no cancel slot.
    const bool had = !innermost.task().cancel_requested() && request_.take(*this);
    return !had && this->suspend(innermost);
  }
  [[gnu::noinline]] bool begin_later(PromiseBase& innermost) noexcept {
    TaskHeader& task = innermost.task();
    task.suspended_at(innermost);
    detail::TaskExecutor& executor = task.executor();
    if (&executor == &executor.shared()) {
      this->waits_for(task);
      this->run_by(&QueueAwaiter::on_turn);  // it is in no queue of waiters yet
      executor.defer(*this);
      return true;
    }
    // One that serves this task alone, as a fiber's does, queues something else in its place.
    if (!begin(innermost)) task.resume_later();
    return true;
  }

  /// The others have had their turn. The task is suspended still.
  static void on_turn(Runnable& self) noexcept {
    // SAFETY: this function is given only to the Runnable of a QueueAwaiter, which stays until the
    // task goes on.
    auto& awaiter = static_cast<QueueAwaiter&>(self);
    TaskHeader& task = awaiter.waiting_task();
    awaiter.run_by(&QueueAwaiter::on_served);
    task.refill_budget();
    if (!awaiter.begin(*task.innermost())) task.run();
  }
  static void on_served(Runnable& self) noexcept { static_cast<QueueAwaiter&>(self).served(); }
  [[nodiscard]] Queued queue() noexcept { return request_.queue(*this); }
  [[nodiscard]] bool withdraw() noexcept { return request_.withdraw(*this); }

  R request_;
};

/// A wait as a value: to be awaited, or given to on_complete(), select(), timeout() and the like.
template <class R>
class [[nodiscard]] QueueOp {
 public:
  explicit QueueOp(R request) noexcept : request_(std::move(request)) {}
  QueueAwaiter<R> operator co_await() const noexcept { return QueueAwaiter<R>(request_); }

 private:
  R request_;
};

/// The node of a thread that waits.
template <class Node>
class ThreadNode final : public Node {
 public:
  ThreadNode() noexcept : Node(&ThreadNode::on_served) {}
  void wait() noexcept { parker_.park(); }

 private:
  static void on_served(Runnable& self) noexcept {
    static_cast<ThreadNode&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

/// Waits for what R says on the calling thread, which it blocks. Throws std::logic_error, naming
/// `what`, on a thread that runs tasks.
template <class R>
auto wait_on_thread(R request, const char* what) {
  require_thread_may_block(what);
  ThreadNode<typename R::Node> node;
  if (!request.take(node) && request.queue(node) == Queued::waiting) node.wait();
  return request.result(node);
}

}  // namespace weft
