#include "fs/lane_call.hpp"

#include <weft/result.hpp>

#include "compute/blocking_pool.hpp"

namespace weft::inline v0_1::detail {

LaneCallLeaf::LaneCallLeaf(const char* operation, std::string_view subject) noexcept
    : CancelHook(&LaneCallLeaf::on_cancel_request), BlockingJob(&LaneCallLeaf::run_job) {
  set_name(operation, subject);
}

bool LaneCallLeaf::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  pool_ = BlockingPool::of_files();
  if (!task.suspended_and_armed(innermost, *this)) return true;
  const Result<void> taken =
      pool_ != nullptr ? pool_->submit(*this) : fail(std::errc::operation_not_supported);
  // Once it is submitted, the leaf may end on another thread, and be destroyed.
  if (taken) return true;
  failed(exception_of([&] { return IoError(taken.error(), operation(), subject()); }));
  return !task.leaf_ended_inline();
}

void LaneCallLeaf::run_job(Runnable& self) noexcept {
  // SAFETY: this function is given only to the BlockingJob of a LaneCallLeaf.
  auto& leaf = static_cast<LaneCallLeaf&>(static_cast<BlockingJob&>(self));
  const bool is_done = leaf.call(leaf.stop_);
  leaf.task_->leaf_ended(!is_done);
}

void LaneCallLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a LaneCallLeaf, which lives until
  // request_finished().
  auto& leaf = static_cast<LaneCallLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  if (leaf.pool_ != nullptr && leaf.pool_->withdraw(leaf)) {
    task->leaf_ended(true);
  } else {
    leaf.stop_.request();
  }
  task->request_finished();
}

}  // namespace weft::inline v0_1::detail
