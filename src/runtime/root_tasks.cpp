#include "runtime/root_tasks.hpp"

namespace weft::detail {

namespace {

constinit thread_local RootTasks::Counter current_counter;

}  // namespace

// Never inlined: a compiler may keep the address of a thread_local over a suspension.
[[gnu::noinline]] RootTasks::Counter RootTasks::make_current(Counter counter) noexcept {
  return std::exchange(current_counter, counter);
}

[[gnu::noinline]] TaskCount::Tally* RootTasks::tally_here() const noexcept {
  return current_counter.tasks == this ? current_counter.tally : nullptr;
}

void RootTasks::close_when_empty() noexcept {
  while (!close_if_empty()) emptied_.park();
}

}  // namespace weft::detail
