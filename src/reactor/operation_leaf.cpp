// OperationLeaf: an operation as the leaf a task waits on.
//
// Who may touch the leaf: the task's thread until suspend() returns; then the reactor's thread,
// or that of its visitor, which ends it; and one canceller, whose request travels to the reactor's
// thread if it was made elsewhere. The cancel slot makes the end wait for a canceller who is still
// on his way (see <weft/extend/cancel.hpp>).
#include <weft/extend/io.hpp>

#include <cerrno>

#include "reactor/reactor.hpp"

namespace weft {

// With the reactor held. Inlined: each level of call above a system call costs (see
// "os/syscalls.hpp").
inline bool OperationLeaf::start_until_pending(Again again) noexcept {
  if (kind == OperationKind::timer && reactor->has_passed(timer.deadline)) {
    // Ends at once: the wheel would take it, but see to it only at its next tick.
    result = 0;
    return false;
  }
  while (reactor->start_held(*this) == detail::Started::completed) {
    if (again == nullptr || !again(*this)) return false;
  }
  return true;
}

bool OperationLeaf::suspend(PromiseBase& innermost, Again again) noexcept {
  task_ = &innermost.task();
  if (!task_->suspended_to_begin(innermost)) return true;
  reactor = detail::Reactor::current();
  // Else a visitor of the reactor could end what has been started before it is armed.
  const detail::Reactor::Hold hold(*reactor);
  if (!start_until_pending(again)) {
    if (task_->spend_budget()) return false;
    task_->resume_later();
    return true;
  }
  // Another thread may have asked for the cancel since the check above: then it found nothing
  // armed, and the cancel is ours to make.
  if (!task_->arm(*this)) reactor->cancel(*this);
  return true;
}

bool OperationLeaf::ended_cancelled() const noexcept {
  return result == -ECANCELED && task_->cancel_requested();
}

void OperationLeaf::on_complete(Operation& self) noexcept {
  // SAFETY: this function is given only to the Operation of an OperationLeaf.
  static_cast<OperationLeaf&>(self).completed(nullptr);
}

void OperationLeaf::completed(Again again) noexcept {
  if (again != nullptr && again(*this)) {
    if (task_->cancel_requested()) {
      result = -ECANCELED;  // only a part was done
    } else if (start_until_pending(again)) {
      return;
    }
  }
  task_->leaf_ended(ended_cancelled());
}

void OperationLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of an OperationLeaf.
  auto& leaf = static_cast<OperationLeaf&>(self);
  if (leaf.reactor != detail::Reactor::current()) {
    leaf.reactor->post_cancel(leaf);  // comes back here on the reactor's thread
    return;
  }
  TaskHeader* const task = leaf.task_;
  leaf.reactor->cancel(leaf);
  task->request_finished();
}

}  // namespace weft
