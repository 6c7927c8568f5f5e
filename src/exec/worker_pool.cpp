#include "exec/worker_pool.hpp"

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

void WorkerPool::add(Worker& worker, Park& park) noexcept {
  const std::size_t index = size();
  members_[index] = {.worker = &worker, .park = &park};
  size_.store(index + 1, std::memory_order_release);  // pairs with size()
}

void WorkerPool::inject(IntrusiveQueue<Runnable>& batch) noexcept {
  WEFT_CHECK(injector_.push(batch), "a task was made runnable after its runtime had ended");
}

void WorkerPool::demote(Runnable& work) noexcept {
  WEFT_CHECK(demoted_.push(&work), "a scheduler's queue of demoted tasks is never closed");
  wake_one();
}

void WorkerPool::unpark_all() noexcept {
  for (std::size_t i = 0; i < size(); ++i) members_[i].park->unpark();
}

}  // namespace weft::inline v0_1::detail
