#include "runtime/root_tasks.hpp"

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] TaskTally* RootTasks::tally_here() const noexcept {
  const ThreadContext& here = thread_context();
  return here.tasks == this ? here.tally : nullptr;
}

bool RootTasks::close_when_empty(std::chrono::steady_clock::time_point deadline) noexcept {
  using Clock = std::chrono::steady_clock;
  while (!close_if_empty()) {
    if (deadline == Clock::time_point::max()) {
      emptied_.park();
    } else if (!emptied_.park_for(deadline - Clock::now())) {
      return close_if_empty();
    }
  }
  return true;
}

}  // namespace weft::inline v0_1::detail
