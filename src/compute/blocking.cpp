// blocking(): a call on another thread as the leaf of a task (BlockingLeaf). The leaf is a job of
// the pool.
//
// It ends once: by the thread that has called the function, or by a cancel that has taken it back
// from the queue. A cancel that comes before it is queued finds nothing to take back: the call is
// made, and its result delivered. Thread-safety: the task's thread until submit(); then the pool's
// thread, and one canceller, which the cancel slot makes the end wait for.
#include <weft/blocking.hpp>
#include <weft/detail/spawned_task.hpp>

#include <stdexcept>

#include "base/runtime_hold.hpp"
#include "compute/blocking_pool.hpp"

namespace weft::inline v0_1 {

BlockingThreads::BlockingThreads(BlockingOptions options) {
  if (options.most_threads == 0) {
    throw std::invalid_argument("weft::BlockingThreads: most_threads must be at least 1");
  }
  pool_ = std::make_unique<detail::BlockingPool>(std::move(options));
}

BlockingThreads::~BlockingThreads() = default;

std::size_t BlockingThreads::threads() const noexcept { return pool_->threads(); }

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

BlockingLeaf::BlockingLeaf(BlockingThreads* threads, std::source_location site) noexcept
    : CancelHook(&BlockingLeaf::on_cancel_request),
      BlockingJob(&BlockingLeaf::run_job, site),
      pool_(threads != nullptr ? threads->pool_.get() : nullptr) {}

bool BlockingLeaf::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  runtime_ = OwnedTasks::current_or_null();
  if (pool_ == nullptr) pool_ = BlockingPool::current();
  if (!task.suspended_and_armed(innermost, *this)) return true;
  const Result<void> taken =
      pool_ != nullptr ? pool_->submit(*this) : fail(std::errc::operation_not_supported);
  // Once it is submitted, the leaf may end on another thread, and be destroyed.
  if (taken) return true;
  failed(exception_of([&] { return IoError(taken.error(), "blocking"); }));
  return !task.leaf_ended_inline();
}

void BlockingLeaf::run_job(Runnable& self) noexcept {
  // SAFETY: this function is given only to the BlockingJob of a BlockingLeaf.
  auto& leaf = static_cast<BlockingLeaf&>(static_cast<BlockingJob&>(self));
  {
    const RuntimeHold hold(leaf.runtime_);
    leaf.call();
  }
  leaf.task_->leaf_ended(false);
}

void BlockingLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a BlockingLeaf, which lives until
  // request_finished().
  auto& leaf = static_cast<BlockingLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  if (leaf.pool_ != nullptr && leaf.pool_->withdraw(leaf)) {
    task->leaf_ended(true);
  } else {
    leaf.stop();
  }
  task->request_finished();
}

}  // namespace weft::inline v0_1::detail
