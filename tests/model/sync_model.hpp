// Shared by the model tests of synchronization: a task that waits, and its outcome; a thread that
// waits.
#pragma once

#include <weft/extend/queue_op.hpp>

#include <memory>
#include <optional>
#include <utility>

#include "model/core_model.hpp"

namespace weft::model {

/// A task that waits as R describes. The leaf lives in its frame.
template <class R>
class Waiting {
 public:
  explicit Waiting(R request)
      : task(executor), leaf_(std::make_unique<QueueAwaiter<R>>(std::move(request))) {}

  void wait() {
    const bool suspended = leaf_->await_suspend(Handle::from_promise(task.promise));
    went_on_ = !suspended || went_on_;
  }
  /// How often it went on, in any way.
  [[nodiscard]] int resumed() const { return executor.resumed + (went_on_ ? 1 : 0); }
  /// Whether it went on with what it waited for.
  [[nodiscard]] bool served() const { return resumed() == 1 && !task.unwinding(); }
  /// Returns what the wait gave. Precondition: it was served.
  auto result() { return leaf_->await_resume(); }

  CountingExecutor executor;
  FakeTask task;

 private:
  using Handle = std::coroutine_handle<FakePromise>;
  std::unique_ptr<QueueAwaiter<R>> leaf_;
  bool went_on_ = false;
};

/// Waits on the calling thread, as wait_on_thread() does, which asks a runtime first.
template <class R>
auto wait_here(R request) {
  ThreadNode<typename R::Node> node;
  if (!request.take(node) && request.queue(node) == Queued::waiting) node.wait();
  return request.result(node);
}

}  // namespace weft::model
