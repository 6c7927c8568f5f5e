// QueueOp<R>: the awaitable of a wait in a queue of waiters, for a lock, an event and the like; and
// the same wait for threads. For authors of types that have such a queue.
//
// A request type R says what is waited for, and how:
//   R::Node                what stands in the queue: a Waiter, constructed from a Waiter::Wake
//   bool take(Node&)       called first: takes what is waited for at once, without the queue
//   Queued queue(Node&)    then: puts the node into the queue, or serves it at once
//   bool withdraw(Node&)   takes the node back, as withdraw() of a WaiterLeaf does
//   Result result(Node&)   after the node was served: the result of the wait, or an exception. What
//                          was granted stays granted
// A request is copied by value; mostly it is one pointer. result() touches the object it points to
// only if a served waiter may rely on that object.
#pragma once

#include <weft/detail/task_executor.hpp>
#include <weft/extend/waiter_leaf.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <utility>

namespace weft::inline v0_1 {

/// Waits for what R describes, as part of the awaiting frame.
///
/// A wait that is satisfied at once spends the task's budget. A task with a spent budget takes
/// nothing yet: it first lets the other ready tasks run. Otherwise each of these tasks would have
/// to wait for the lock that this task holds, and the lock would be handed from one to the next for
/// as long as they ask for it.
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
  [[nodiscard]] auto await_resume() noexcept(
      noexcept(std::declval<R&>().result(std::declval<Node&>()))) {
    return request_.result(*this);
  }

 private:
  /// False: it has got what it waits for.
  [[nodiscard]] bool begin(PromiseBase& innermost) noexcept {
    // After a cancel request nothing is taken. What is taken at once needs no cancel slot.
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
    // An executor that serves this task alone, as a fiber's does, queues something else in its
    // place: resume_later() does that.
    if (!begin(innermost)) task.resume_later();
    return true;
  }

  /// The other ready tasks have run. The task is still suspended.
  static void on_turn(Runnable& self) noexcept {
    // SAFETY: only the Runnable of a QueueAwaiter gets this function, and the awaiter stays until
    // the task goes on.
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

/// A wait as a value: to be awaited, or passed to on_complete(), select(), timeout() and the like.
template <class R>
class [[nodiscard]] QueueOp {
 public:
  explicit QueueOp(R request) noexcept : request_(std::move(request)) {}
  QueueAwaiter<R> operator co_await() const noexcept { return QueueAwaiter<R>(request_); }

 private:
  R request_;
};

/// The node of a waiting thread.
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

/// Blocks the calling thread until it has what R describes. Throws std::logic_error, naming `what`,
/// on a thread that runs tasks.
template <class R>
auto wait_on_thread(R request, const char* what) {
  require_thread_may_block(what);
  ThreadNode<typename R::Node> node;
  if (!request.take(node) && request.queue(node) == Queued::waiting) node.wait();
  return request.result(node);
}

}  // namespace weft::inline v0_1
