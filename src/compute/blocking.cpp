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
#include "compute/lanes.hpp"

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

BlockingLeaf::BlockingLeaf(const BlockingPlace& place, std::source_location site) noexcept
    : CancelHook(&BlockingLeaf::on_cancel_request),
      BlockingJob(&BlockingLeaf::run_job, site),
      place_(place) {}

BlockingPool* BlockingLeaf::find_pool() const noexcept {
  if (place_.threads != nullptr) return place_.threads->pool_.get();
  if (!place_.is_named) return BlockingPool::current();
  Lanes* const lanes = Lanes::current();
  return lanes != nullptr ? lanes->find(place_.lane) : nullptr;
}

std::exception_ptr BlockingLeaf::refusal(std::error_code code) const noexcept {
  const Lanes* const lanes = Lanes::current();
  if (pool_ == nullptr && place_.is_named && lanes != nullptr) {
    return exception_of([&] { return std::invalid_argument(lanes->unknown(place_.lane)); });
  }
  return exception_of([&] { return IoError(code, "blocking", place_.lane); });
}

bool BlockingLeaf::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  runtime_ = OwnedTasks::current_or_null();
  pool_ = find_pool();
  if (!task.suspended_and_armed(innermost, *this)) return true;
  const Result<void> taken =
      pool_ != nullptr ? pool_->submit(*this) : fail(std::errc::operation_not_supported);
  // Once it is submitted, the leaf may end on another thread, and be destroyed.
  if (taken) return true;
  failed(refusal(taken.error()));
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
