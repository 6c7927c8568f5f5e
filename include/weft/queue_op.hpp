// QueueOp<R>: what is awaited to wait in a queue of waiters, for a lock, an event and the like; and
// the same for threads. For those who write what has a queue.
//
// A request type R says what is waited for, and how:
//   R::Node                      what stands in the queue: a Waiter, made from a Waiter::Wake
//   bool take(Node&)             called first: whether it can be had at once, without the queue
//   Queued queue(Node&)          then: puts the node into the queue, or serves it at once
//   bool withdraw(Node&)         takes it back, as WaiterLeaf::withdraw()
//   Result result(Node&)         once it was served: what the wait gives; it takes no back
// A request is a value that is copied: mostly a pointer. What it points to is touched by result()
// only if the served may count on it.
#pragma once

#include <weft/task.hpp>
#include <weft/waiter_leaf.hpp>

#include <coroutine>
#include <utility>

namespace weft {

/// Waits for what R says, within the frame that awaits it.
template <class R>
class QueueAwaiter final : private WaiterLeaf, private R::Node {
  using Node = typename R::Node;

 public:
  explicit QueueAwaiter(R request) noexcept
      : Node(&QueueAwaiter::on_served), request_(std::move(request)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    TaskHeader& task = innermost.promise().task();
    // Nothing is taken once a cancel was asked for. What is had at once needs no cancel slot.
    if (task.cancel_requested() || !request_.take(*this)) return suspend(innermost.promise());
    if (task.spend_budget()) return false;
    task.suspended_at(innermost.promise());
    task.resume_later();
    return true;
  }
  [[nodiscard]] auto await_resume() noexcept { return request_.result(*this); }

 private:
  static void on_served(Waiter& self) noexcept { static_cast<QueueAwaiter&>(self).served(); }
  [[nodiscard]] Queued queue() noexcept override { return request_.queue(*this); }
  [[nodiscard]] bool withdraw() noexcept override { return request_.withdraw(*this); }

  R request_;
};

/// A wait as a value: to be awaited, or given to then(), select(), timeout() and the like.
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
  static void on_served(Waiter& self) noexcept { static_cast<ThreadNode&>(self).parker_.unpark(); }
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
