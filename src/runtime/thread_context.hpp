// ThreadContext: what is current on a thread: the parts of a machine that it works for, or nothing.
#pragma once

#include <weft/detail/task_context.hpp>

#include "compute/blocking_pool.hpp"
#include "compute/team.hpp"
#include "fiber/scheduler.hpp"
#include "reactor/reactor.hpp"
#include "runtime/root_tasks.hpp"
#include "runtime/spare_workers.hpp"

namespace weft::detail {

struct ThreadContext {
  Reactor* reactor = nullptr;
  OwnedTasks* tasks = nullptr;
  RootTasks::Counter counter;
  BlockingPool* pool = nullptr;
  Team* team = nullptr;
  FiberScheduler* fiber_scheduler = nullptr;
  SpareWorkers* spare_workers = nullptr;
  const TaskContext* bound = nullptr;  // what the thread has bound for itself is not its tasks'

  /// Makes these the calling thread's; gives what was before.
  static ThreadContext exchange(const ThreadContext& fresh) noexcept {
    ThreadContext before;
    before.reactor = Reactor::make_current(fresh.reactor);
    before.tasks = OwnedTasks::make_current(fresh.tasks);
    before.counter = RootTasks::make_current(fresh.counter);
    before.pool = BlockingPool::make_current(fresh.pool);
    before.team = Team::make_current(fresh.team);
    before.fiber_scheduler = FiberScheduler::make_current(fresh.fiber_scheduler);
    before.spare_workers = SpareWorkers::make_current(fresh.spare_workers);
    before.bound = TaskContext::make_current(fresh.bound);
    return before;
  }
};

/// Current for as long as it lives.
class ScopedContext {
 public:
  explicit ScopedContext(const ThreadContext& context) noexcept
      : before_(ThreadContext::exchange(context)) {}
  ~ScopedContext() { ThreadContext::exchange(before_); }
  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;

 private:
  ThreadContext before_;
};

}  // namespace weft::detail
