// ThreadContext: what is current on a thread: the parts of a machine that it works for, or nothing.
#pragma once

#include <weft/task_context.hpp>

#include "exec/blocking_pool.hpp"
#include "exec/team.hpp"
#include "fiber/hub.hpp"
#include "reactor/reactor.hpp"
#include "runtime/root_tasks.hpp"
#include "runtime/stand_ins.hpp"

namespace weft {

struct ThreadContext {
  Reactor* reactor = nullptr;
  TaskSet* tasks = nullptr;
  RootTasks::Counter counter;
  BlockingPool* pool = nullptr;
  Team* team = nullptr;
  FiberHub* hub = nullptr;
  StandIns* stand_ins = nullptr;
  const TaskContext* bound = nullptr;  // what the thread has bound for itself is not its tasks'

  /// Makes these the calling thread's; gives what was before.
  static ThreadContext exchange(const ThreadContext& fresh) noexcept {
    ThreadContext before;
    before.reactor = Reactor::make_current(fresh.reactor);
    before.tasks = TaskSet::make_current(fresh.tasks);
    before.counter = RootTasks::make_current(fresh.counter);
    before.pool = BlockingPool::make_current(fresh.pool);
    before.team = Team::make_current(fresh.team);
    before.hub = FiberHub::make_current(fresh.hub);
    before.stand_ins = StandIns::make_current(fresh.stand_ins);
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

}  // namespace weft
