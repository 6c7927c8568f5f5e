// BoundExecutor: the executor of tasks that are bound to one worker (SpawnOptions::local(),
// on_worker()). It puts them into the worker's PinnedQueue. Unlike that queue, which is for a
// fiber's task alone, it is its own shared(): the children that a bound task waits for are bound as
// well. Thread-safe.
#pragma once

#include <weft/detail/task_executor.hpp>

#include "task/pinned_queue.hpp"

namespace weft::inline v0_1::detail {

class BoundExecutor final : public TaskExecutor {
 public:
  explicit BoundExecutor(PinnedQueue& queue) noexcept : queue_(queue) {}

  void schedule(Runnable& work) noexcept override { queue_.schedule(work); }
  void defer(Runnable& work) noexcept override { queue_.defer(work); }
  void hold() noexcept override { queue_.hold(); }
  void release() noexcept override { queue_.release(); }
  [[nodiscard]] TaskExecutor& whole() noexcept override { return queue_.whole(); }
  [[nodiscard]] bool bound() const noexcept override { return true; }
  void look_again() noexcept override { queue_.look_again(); }

 private:
  PinnedQueue& queue_;
};

}  // namespace weft::inline v0_1::detail
