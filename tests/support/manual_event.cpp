#include "support/manual_event.hpp"

#include <utility>

namespace weft::test {

bool ManualEvent::Awaiter::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  task.suspended_at(innermost);
  if (!task.arm(*this)) {
    task.leaf_ended(true);
    return true;
  }
  bool taken = false;
  {
    const std::lock_guard lock(event_.mutex_);
    if (event_.tokens_ != 0) {
      --event_.tokens_;
      taken = true;
    } else if (!refused_) {
      event_.waiter_ = this;
      return true;  // another thread may end the wait now, so nothing here is touched
    }
  }
  if (taken) return !task.leaf_ended_inline();
  task.leaf_ended(true);
  return true;
}

void ManualEvent::Awaiter::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of an Awaiter.
  auto& leaf = static_cast<Awaiter&>(self);
  TaskHeader* const task = leaf.task_;
  bool withdrawn = false;
  {
    const std::lock_guard lock(leaf.event_.mutex_);
    leaf.refused_ = true;
    withdrawn = leaf.event_.waiter_ == &leaf;
    if (withdrawn) leaf.event_.waiter_ = nullptr;
  }
  if (withdrawn) task->leaf_ended(true);
  task->request_finished();
}

void ManualEvent::set() noexcept {
  TaskHeader* task = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (waiter_ == nullptr) {
      ++tokens_;
      return;
    }
    task = std::exchange(waiter_, nullptr)->task_;
  }
  task->leaf_ended(false);
}

std::size_t ManualEvent::tokens() const noexcept {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

bool ManualEvent::awaited() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiter_ != nullptr;
}

}  // namespace weft::test
