#include "exec/priority_executor.hpp"

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

void PriorityExecutor::schedule(Runnable& work) noexcept {
  // As in Scheduler::schedule(): once pushed, the work may end the runtime, and this object.
  TaskExecutor& normal = normal_;
  WorkerPool& pool = pool_;
  const Priority priority = priority_;
  normal.hold();
  WEFT_CHECK(queue().push(&work), "the queue of a priority is never closed");
  if (priority == Priority::high) {
    pool.wake_one_from_outside();
  } else {
    pool.wake_one();  // a spinning worker does not look here
  }
  normal.release();
}

}  // namespace weft::inline v0_1::detail
