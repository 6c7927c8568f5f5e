// parallel(): a tree of forks as the leaf of a task (ParallelLeaf). The leaf is a root of the team.
//
// It ends once: by the member that has run it, or by a cancel that has taken it back from the
// queue. A cancel that comes before it is queued marks its region; the member that takes it runs
// nothing. Thread-safety: the task's thread until submit(); then the member, and one canceller,
// which the cancel slot makes the end wait for.
#include <weft/parallel.hpp>

#include "compute/team.hpp"

namespace weft::inline v0_1::detail {

bool ParallelLeaf::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  team_ = Team::current();
  if (!task.suspended_and_armed(innermost, *this)) return true;
  const Result<void> taken =
      team_ != nullptr ? team_->submit(*this) : fail(std::errc::operation_not_supported);
  // Once it is submitted, the leaf may end on another thread, and be destroyed.
  if (taken) return true;
  failed(exception_of([&] { return IoError(taken.error(), "parallel"); }));
  return !task.leaf_ended_inline();
}

void ParallelLeaf::run_root(ForkRoot& self) noexcept {
  // SAFETY: this function is given only to the ForkRoot of a ParallelLeaf.
  auto& leaf = static_cast<ParallelLeaf&>(self);
  bool cancelled = leaf.region().cancelled();
  if (!cancelled) {
    try {
      leaf.call();
    } catch (const ForkCancelled&) {
      cancelled = true;
    } catch (...) {
      leaf.failed(std::current_exception());
    }
  }
  leaf.task_->leaf_ended(cancelled);
}

void ParallelLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a ParallelLeaf, which lives until
  // request_finished().
  auto& leaf = static_cast<ParallelLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  if (leaf.team_ == nullptr) {
    // suspend() is about to fail the leaf.
  } else if (leaf.team_->withdraw(leaf)) {
    task->leaf_ended(true);
  } else {
    leaf.team_->cancel(leaf.region());
  }
  task->request_finished();
}

}  // namespace weft::inline v0_1::detail
