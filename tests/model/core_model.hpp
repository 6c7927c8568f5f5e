// What the model tests of the task core share: a task whose frames never run, on an executor that
// only counts how often it was made runnable. The point is who resumes it, how often, and what is
// touched afterwards.
#pragma once

#include <weft/task_header.hpp>

#include <coroutine>

#include "model/model_test.hpp"

namespace weft::model {

/// Stands for the innermost frame.
class FakePromise final : public PromiseBase {
 public:
  FakePromise() noexcept : PromiseBase(std::noop_coroutine()) {}
};

/// Counts; what is scheduled is never run.
class CountingExecutor final : public Executor {
 public:
  void schedule(Runnable&) noexcept override {
    ++resumed;  // no atomic: it may happen once, so no two threads may be here
  }
  void defer(Runnable& work) noexcept override { schedule(work); }

  int resumed = 0;
};

/// A task that waits at one leaf.
class FakeTask final : public TaskHeader {
 public:
  explicit FakeTask(Executor& executor) noexcept : TaskHeader([](TaskHeader&, Ending) noexcept {}) {
    bind(promise, executor);
  }
  FakePromise promise;
};

}  // namespace weft::model
