#include "runtime/root_tasks.hpp"

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] TaskTally* RootTasks::tally_here() const noexcept {
  const ThreadContext& here = thread_context();
  return here.tasks == this ? here.tally : nullptr;
}

void RootTasks::close_when_empty() noexcept {
  while (!close_if_empty()) emptied_.park();
}

}  // namespace weft::inline v0_1::detail
