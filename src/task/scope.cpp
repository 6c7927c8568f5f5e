// Scope and ScopeGroup: a body and the children it spawns; the failure of one cancels the others.
// Called by scope() and, for each child, by SpawnedTask on the child's thread.
#include <weft/scope.hpp>

namespace weft::inline v0_1 {

detail::OwnedTasks& detail::owned_tasks_of(Scope& scope) noexcept { return scope; }

void Scope::added() noexcept {
  size_.fetch_add(1, std::memory_order_relaxed);
  group_.add_child();
}

void Scope::cancel_children() noexcept {
  // Relaxed, here and below: this cancel and one of the parent may come in either order.
  if (!group_.parent().cancel_requested()) {
    group_.dismissed_.store(true, std::memory_order_relaxed);
  }
  cancel_all();
}

void Scope::cancelled() noexcept {
  if (group_.dismissed_.load(std::memory_order_relaxed)) return;
  group_.child_cancelled_.store(true, std::memory_order_relaxed);
}

void Scope::failed(const std::exception_ptr& error) noexcept { group_.note_failure(error); }

bool Scope::ended() noexcept {
  size_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

// Called after the child's joiner was woken: the joiner sees the failure rather than the cancel.
void Scope::removed(bool failed) noexcept {
  if (failed) group_.cancel_rest();
  group_.child_ended();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void ScopeGroup::note_failure(const std::exception_ptr& error) noexcept {
  std::lock_guard lock(mutex_);
  if (error_ == nullptr) error_ = error;  // the first one counts
}

/// Called by a child that has failed and still counts, so the group lives.
void ScopeGroup::cancel_rest() noexcept {
  // Relaxed: only decides which child cancels the others.
  if (!rest_cancelled_.exchange(true, std::memory_order_relaxed)) cancel_children();
}

void ScopeGroup::on_child_end(std::size_t, bool cancelled, bool failed) noexcept {
  body_cancelled_ = cancelled;
  if (failed) {
    note_failure(body_error());
    cancel_rest();
  }
  child_ended();
}

void ScopeGroup::cancel_children() noexcept {
  cancel_body();
  scope_->cancel_all();
}

bool ScopeGroup::ended_as_cancelled() noexcept {
  // The last child has ended: no other thread uses the group. The group's counter orders what the
  // children wrote. A child that the user cancelled does not set child_cancelled_, so this task
  // keeps its result. Another cancelled child sets it, and it counts if this task was cancelled.
  const bool child_too =
      child_cancelled_.load(std::memory_order_relaxed) && parent().cancel_requested();
  return error_ == nullptr && (body_cancelled_ || child_too);
}

}  // namespace weft::inline v0_1::detail
