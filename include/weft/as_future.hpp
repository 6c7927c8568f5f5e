// as_future(awaitable): turns any awaitable into a future, to be polled by hand, by a combinator of
// futures, or by a foreign executor with a waker of its own.
//
//   auto page = weft::as_future(client.get(url));
//   weft::Poll<weft::http::Response> result = page.poll(cx);
#pragma once

#include <weft/extend/atomic_waker.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/future.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <new>
#include <optional>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// A task that a future polls. The latest poller is woken at its end. Two parties hold its handle:
/// the future, and the call that wakes the poller at the end. The second one to finish releases it.
template <class T>
class PolledTask final : public SpawnedResult<T>, private JoinWaiter {
 public:
  /// Starts `task` as one of `owner`. Throws std::bad_alloc, and std::logic_error if the owner
  /// accepts no more work.
  static PolledTask& start(OwnedTasks& owner, Task<T> task) {
    void* const memory = allocate_frame(sizeof(PolledTask));
    auto* const polled = ::new (memory) PolledTask(std::move(task));
    try {
      (void)polled->wait_with(*polled);  // it cannot have ended: it has not begun
      polled->launch(polled->task_.promise_to_start(), owner);
    } catch (...) {
      polled->destroy();
      throw;
    }
    return *polled;
  }

  /// Ready once the task has ended. Rethrows the task's failure; throws IoError
  /// (errc::operation_canceled) if the task was cancelled.
  Poll<T> poll(Context& cx) {
    if (!this->ended()) {
      waker_.register_waker(cx.waker());
      if (!this->ended()) return Pending();  // its end comes later, and wakes
    }
    this->note_taken();
    if constexpr (std::is_void_v<T>) {
      this->outcome_.take();
      return Poll<T>::ready();
    } else {
      return Poll<T>::ready(this->outcome_.take());
    }
  }
  /// Called when the future is destroyed: requests a cancel of the task and releases the future's
  /// hold.
  void drop() noexcept {
    (void)waker_.take();
    this->cancel();
    let_go();
  }

 private:
  explicit PolledTask(Task<T> task) noexcept
      : SpawnedResult<T>(&PolledTask::on_finish),
        JoinWaiter(&PolledTask::on_end),
        task_(std::move(task)) {}

  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& polled = static_cast<PolledTask&>(self);
    if (ending == Ending::let_go) return polled.destroy();
    if (ending == Ending::returned) polled.outcome_.take_over(polled.task_.promise().outcome());
    polled.task_ = Task<T>();
    polled.end_with_outcome();
  }
  static void on_end(JoinWaiter& self) noexcept {
    auto& polled = static_cast<PolledTask&>(self);
    polled.waker_.wake();
    polled.let_go();
  }
  void let_go() noexcept {
    // Acquire-release: the second party sees the writes of the first.
    if (one_let_go_.exchange(true, std::memory_order_acq_rel)) this->drop_handle();
  }
  void destroy() noexcept {
    this->~PolledTask();
    deallocate_frame(this, sizeof(PolledTask));
  }

  Task<T> task_;
  AtomicWaker waker_;
  Atomic<bool> one_let_go_{false};
};

}  // namespace detail

/// The future of as_future(). Movable at any time, as the work is a separate task.
template <Awaitable A>
class [[nodiscard]] AsFuture {
  using Value = AwaitResult<A>;

 public:
  explicit AsFuture(detail::OwnedTasks& owner,
                    A awaitable) noexcept(std::is_nothrow_move_constructible_v<A>)
      : owner_(&owner), awaitable_(std::in_place, std::move(awaitable)) {}
  AsFuture(AsFuture&& other) noexcept(std::is_nothrow_move_constructible_v<A>)
      : owner_(other.owner_),
        awaitable_(std::move(other.awaitable_)),
        task_(std::exchange(other.task_, nullptr)) {
    other.awaitable_.reset();
  }
  AsFuture& operator=(AsFuture&&) = delete;
  ~AsFuture() {
    if (task_ != nullptr) task_->drop();
  }

  /// Starts the work at the first poll. Throws what the work throws; std::bad_alloc and
  /// std::logic_error if it cannot be started.
  Poll<Value> poll(Context& cx) {
    if (task_ == nullptr) {
      if (!awaitable_.has_value()) poll_rule_broken("a future was polled that had been moved from");
      Task<Value> task = as_task(*std::move(awaitable_));
      awaitable_.reset();
      task_ = &detail::PolledTask<Value>::start(*owner_, std::move(task));
    }
    return task_->poll(cx);
  }

 private:
  detail::OwnedTasks* owner_;
  std::optional<A> awaitable_;  // until the first poll
  detail::PolledTask<Value>* task_ = nullptr;
};

/// Returns a future of the result of `awaitable`. Its first poll starts the work as a task of the
/// calling thread's runtime (for other threads: Runtime::as_future()). That runtime runs the task,
/// regardless of the poller and its thread. Destroying the future before it is ready cancels the
/// work and returns immediately; the runtime, which owns the task, waits for its end. So, as with
/// spawn(), the work must not refer to objects that may be destroyed before. A result that the work
/// gets in spite of the cancel is lost (select() keeps such results). A failure after the cancel is
/// reported to the runtime's failure handler. The runtime must outlive the first poll. Throws
/// std::logic_error on a thread that works for no runtime.
template <Awaitable A>
AsFuture<A> as_future(A awaitable) {
  return AsFuture<A>(detail::OwnedTasks::current(), std::move(awaitable));
}

}  // namespace weft::inline v0_1
