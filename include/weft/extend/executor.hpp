// Executor: where Runnables go to be run; and their Priority. It knows nothing of tasks, I/O or
// time. An executor of tasks derives from detail::TaskExecutor, all of whose further functions have
// defaults.
#pragma once

#include <weft/extend/runnable.hpp>

#include <cstdint>

namespace weft::inline v0_1 {

/// Which of the tasks that wait for a worker run first: see SpawnOptions::priority().
/// High priority does not starve the others. A worker that has run 61 tasks goes on with a normal
/// one, if any waits. At least one in 488 of its runs has low priority, if any such task waits,
/// unless such tasks have just had more time than all others since.
enum class Priority : std::uint8_t { high, normal, low };

/// All functions are thread-safe, and none fails.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Makes `work` run soon on one of the executor's threads. Never runs it inline.
  virtual void schedule(Runnable& work) noexcept = 0;
  /// As schedule(), but behind everything that is ready on the calling thread: for work that has
  /// had its turn.
  virtual void defer(Runnable& work) noexcept = 0;

  /// Between the two calls the executor stays alive. For a thread from outside whose own work here
  /// may end the last task, after which the executor may be destroyed before that thread has left
  /// it. At hold() that task has not ended.
  virtual void hold() noexcept {}
  virtual void release() noexcept {}
};

}  // namespace weft::inline v0_1
