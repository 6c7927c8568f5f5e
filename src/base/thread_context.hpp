// ThreadContext: what is current on a thread: the parts of a runtime that the thread works for, or
// nothing. One struct of pointers, so that a thread enters and leaves a runtime by one swap. This
// folder knows only the names of what it points to.
//
//   worker, pinned   set by Worker, while the thread is in its loop or in a task below it
//   bound            set around each run of a task with a context, see TaskContext
//   hold, joined_by  set by "base/runtime_hold.hpp"; a swap leaves them as they are
//   relays           set while a cancel is passed on, see CancelRelay
//   the rest         set by ScopedContext (src/runtime/), for as long as the thread has the worker
//
// Each type has a `current()` that reads its pointer here; other code calls that one.
#pragma once

#include <weft/atomic.hpp>

#if WEFT_ATOMIC_MODE == 2
#include <map>
#endif

namespace weft::inline v0_1::detail {

class BlockingPool;
class FiberScheduler;
class Lanes;
class OwnedTasks;
class PinnedQueue;
class Reactor;
class RuntimeHold;
class RelayQueue;
class SpareWorkers;
class TaskContext;
class TaskTally;
class Team;
class Worker;

struct ThreadContext {
  Worker* worker = nullptr;
  PinnedQueue* pinned = nullptr;
  Reactor* reactor = nullptr;
  OwnedTasks* tasks = nullptr;
  TaskTally* tally = nullptr;  // where this thread counts the beginnings and ends of `tasks`
  const TaskContext* bound = nullptr;
  BlockingPool* pool = nullptr;     // for blocking()
  BlockingPool* lookups = nullptr;  // for resolve()
  BlockingPool* files = nullptr;    // for file operations
  Lanes* lanes = nullptr;           // all of these, and those with names
  RelayQueue* relays = nullptr;     // while a cancel is passed on, see CancelRelay
  Team* team = nullptr;
  FiberScheduler* fiber_scheduler = nullptr;
  SpareWorkers* spare_workers = nullptr;
  const RuntimeHold* hold = nullptr;  // the innermost
  const void* joined_by = nullptr;    // stays to the thread's end
};

inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE != 2
[[gnu::tls_model("initial-exec")]] inline constinit thread_local ThreadContext current_context;
#endif

/// The calling thread's context. Only for functions that are [[gnu::noinline]] and suspend nothing:
/// a compiler may keep the address of a thread_local over a suspension, after which the coroutine
/// may be on another thread.
[[nodiscard]] inline ThreadContext& thread_context() noexcept {
#if WEFT_ATOMIC_MODE != 2
  return current_context;
#else
  // The threads of a model share what is thread_local: they are told apart by their marks.
  static std::map<const void*, ThreadContext> contexts;
  return contexts[this_thread_mark()];
#endif
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
