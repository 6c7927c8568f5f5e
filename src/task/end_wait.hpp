// How a leaf suspends that waits for the end of tasks: JoinLeaf for one, AllEndedAwaiter for those
// of a scope.
#pragma once

#include <weft/detail/spawned_task.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::detail {

/// Arms `leaf` and registers it by `wait()`, which returns SpawnedTask::Registered. Returns what
/// await_suspend() has to. The leaf is armed first: once it is registered, the end may come on
/// another thread and destroy the frame that holds it.
template <class Wait>
[[nodiscard]] bool suspend_until_end(TaskHeader& task, PromiseBase& innermost, CancelHook& leaf,
                                     Wait wait) noexcept {
  if (!task.suspended_and_armed(innermost, leaf)) return true;
  switch (wait()) {
    case SpawnedTask::Registered::waiting:
      return true;
    case SpawnedTask::Registered::ended:
      return !task.leaf_ended_inline();
    case SpawnedTask::Registered::refused:
      task.leaf_ended(true);
      return true;
  }
  return true;
}

}  // namespace weft::inline v0_1::detail
