#include "runtime/scoped_context.hpp"

#include <utility>

#include "fiber/scheduler.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] ThreadContext exchange_context(const ThreadContext& fresh) noexcept {
  ThreadContext& here = thread_context();
  const ThreadContext before = std::exchange(here, fresh);
  here.hold = before.hold;  // these are the thread's, whatever it works for
  here.joined_by = before.joined_by;
  if (before.fiber_scheduler != nullptr) before.fiber_scheduler->leave_thread();
  if (fresh.fiber_scheduler != nullptr) fresh.fiber_scheduler->enter_thread();
  return before;
}

}  // namespace weft::inline v0_1::detail
