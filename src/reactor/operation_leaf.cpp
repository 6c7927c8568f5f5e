// OperationLeaf: an operation as the leaf a task waits on. Suspends the task, starts the operation
// on the reactor of its thread, and resumes the task at the end. Called by the awaiters of
// <weft/extend/io.hpp>.
//
// Thread-safety: these threads touch the leaf, one after the other except for the canceller:
//  - the task's thread, until suspend() returns;
//  - then the thread that holds the reactor (its owner or a remote thread), which ends the leaf;
//  - one canceller. A request made on another thread travels to the reactor's thread. The cancel
//    slot makes the end wait for a canceller that is still on its way (see
//    <weft/extend/cancel.hpp>).
#include <weft/extend/io.hpp>

#include <cerrno>
#include <utility>

#include "reactor/reactor.hpp"

namespace weft::inline v0_1 {

// With the reactor held. Starts the operation, and starts it again while `again` says so. False: it
// has ended. Inlined: each level of call above a system call costs (see "os/syscalls.hpp").
inline bool OperationLeaf::start_until_pending(Again again) noexcept {
  if (kind == OperationKind::timer && reactor->has_passed(timer.deadline)) {
    // Ends at once: the wheel would fire it only at its next tick.
    result = 0;
    return false;
  }
  while (reactor->start_held(*this) == detail::Started::completed) {
    if (again == nullptr || !again(*this)) return false;
    if (source->is_closed(directions())) return end_early();
  }
  return true;
}

/// Only a part of it was done. Returns false.
bool OperationLeaf::end_early() noexcept {
  result = -ECANCELED;
  return false;
}

OperationLeaf::~OperationLeaf() {
  if (source != nullptr) source->end_use();
}

/// False: the source was closed, and the operation has ended.
inline bool OperationLeaf::begin_use(Source* on) noexcept {
  if (on == nullptr) return true;  // a timer
  source = on;
  return on->begin_use(directions()) || end_early();
}

bool OperationLeaf::suspend(PromiseBase& innermost, Again again) noexcept {
  task_ = &innermost.task();
  // From here on `source` says whether this is a use of it. If suspended_to_begin() returns false,
  // this leaf may be gone.
  Source* const on = std::exchange(source, nullptr);
  if (!task_->suspended_to_begin(innermost)) return true;
  reactor = detail::Reactor::current();
  // Held until the leaf is armed: a remote thread could otherwise end the operation before that.
  const detail::Reactor::Hold hold(*reactor);
  if (!begin_use(on) || !start_until_pending(again)) {
    if (task_->spend_budget()) return false;
    task_->resume_later();
    return true;
  }
  // If arm() fails, a cancel was requested after suspended_to_begin() looked. Its canceller found
  // nothing armed, so this thread makes the cancel.
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
    if (task_->cancel_requested() || source->is_closed(directions())) {
      end_early();
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
    leaf.reactor->post_cancel(leaf);  // called again on the reactor's thread
    return;
  }
  TaskHeader* const task = leaf.task_;
  leaf.reactor->cancel(leaf);
  task->request_finished();
}

}  // namespace weft::inline v0_1
