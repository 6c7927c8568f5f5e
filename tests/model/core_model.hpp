// Shared by the model tests of the task core: a task whose frames never run, on an executor that
// only counts how often the task was made runnable. The tests check which thread resumes it, how
// often, and what is touched afterwards.
#pragma once

#include <weft/extend/task_header.hpp>
#include <weft/spawn.hpp>

#include <coroutine>
#include <memory>
#include <utility>

#include "model/model_test.hpp"

namespace weft::model {

/// Stands for the innermost frame.
class FakePromise final : public PromiseBase {
 public:
  FakePromise() noexcept : PromiseBase(std::noop_coroutine()) {}
};

/// Counts; what is scheduled is never run.
class CountingExecutor final : public detail::TaskExecutor {
 public:
  void schedule(Runnable&) noexcept override {
    ++resumed;  // no atomic: it may happen once, so two threads are never here
  }
  void defer(Runnable& work) noexcept override { schedule(work); }

  int resumed = 0;
};

/// A task that waits at one leaf.
class FakeTask final : public TaskHeader {
 public:
  explicit FakeTask(detail::TaskExecutor& executor) noexcept
      : TaskHeader([](TaskHeader&, Ending) noexcept {}) {
    bind(promise, executor);
  }
  FakePromise promise;
};

/// A task that waits with one awaiter, which lives in its frame.
template <class Awaiter>
struct Awaiting {
  template <class... Args>
  explicit Awaiting(Args&&... args)
      : task(executor), awaiter(std::make_unique<Awaiter>(std::forward<Args>(args)...)) {}
  void wait() {
    went_on =
        !awaiter->await_suspend(std::coroutine_handle<FakePromise>::from_promise(task.promise));
  }
  [[nodiscard]] int resumed() const { return executor.resumed + (went_on ? 1 : 0); }
  /// Whether it has been resumed, once, and not to be unwound.
  [[nodiscard]] bool goes_on() const { return resumed() == 1 && !task.unwinding(); }

  CountingExecutor executor;
  FakeTask task;
  std::unique_ptr<Awaiter> awaiter;
  bool went_on = false;
};

/// An owner that only counts.
class FakeOwner final : public detail::OwnedTasks {
 public:
  using detail::OwnedTasks::OwnedTasks;
  [[nodiscard]] bool nobody_lives() const noexcept {
    return living_.load(std::memory_order_relaxed) == 0;
  }
  int removals = 0;

 private:
  void added() noexcept override { living_.fetch_add(1, std::memory_order_relaxed); }
  bool ended() noexcept override {
    living_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }
  void removed(bool) noexcept override { ++removals; }

  Atomic<int> living_{0};
};

}  // namespace weft::model
