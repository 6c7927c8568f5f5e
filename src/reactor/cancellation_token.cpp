// CancellationState: a tree of events.
//
// Invariants:
//  - A state is destroyed with its last reference. A child has a reference of its parent, and is in
//    the parent's list until it is destroyed. The parent has none of its children: it only tries to
//    take one while it cancels them, with its mutex held, when the child cannot leave the list.
//  - cancelled_ is set once, by one thread, which then cancels the children. A child is linked with
//    the mutex held and looks at the parent's cancelled_ then. If it finds that unset, the thread
//    that cancels the parent has yet to lock the mutex, and finds the child.
//  - No mutex is held while waiters are woken, callbacks run, or a reference is dropped.
// The states to be cancelled, and those that go one after the other, are loops: a tree may be deep.
#include <weft/cancellation_token.hpp>

#include <mutex>
#include <utility>

namespace weft::inline v0_1::detail {

CancellationState::CancellationState(CancellationState* parent) noexcept : parent_(parent) {
  if (parent == nullptr) return;
  parent->hold();
  parent->link(*this);
}

bool CancellationState::try_hold() noexcept {
  // Relaxed, also on failure: a reference is published by what was reached with it.
  std::uint32_t holds = holds_.load(std::memory_order_relaxed);
  while (holds != 0) {
    if (holds_.compare_exchange_weak(holds, holds + 1, std::memory_order_relaxed,
                                     std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void CancellationState::drop(CancellationState* state) noexcept {
  // Release: what this holder did happens before the destruction. Acquire: for the last one.
  while (state != nullptr && state->holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    CancellationState* const parent = state->parent_;
    if (parent != nullptr) parent->unlink(*state);
    delete state;
    state = parent;
  }
}

void CancellationState::link(CancellationState& child) noexcept {
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    child.next_sibling_ = first_child_;
    if (first_child_ != nullptr) first_child_->previous_sibling_ = &child;
    first_child_ = &child;
    cancelled = is_cancelled();
  }
  if (cancelled) child.cancel();
}

void CancellationState::unlink(CancellationState& child) noexcept {
  const std::lock_guard lock(mutex_);
  CancellationState*& from_previous =
      child.previous_sibling_ != nullptr ? child.previous_sibling_->next_sibling_ : first_child_;
  from_previous = child.next_sibling_;
  if (child.next_sibling_ != nullptr) {
    child.next_sibling_->previous_sibling_ = child.previous_sibling_;
  }
}

/// Puts the children that this thread is to cancel in front of `before`, each with a reference.
CancellationState* CancellationState::cancel_children(CancellationState* before) noexcept {
  const std::lock_guard lock(mutex_);
  for (CancellationState* child = first_child_; child != nullptr; child = child->next_sibling_) {
    // Release: pairs with is_cancelled().
    if (child->cancelled_.exchange(true, std::memory_order_acq_rel)) continue;
    if (!child->try_hold()) continue;  // it is being destroyed
    child->next_cancelled_ = before;
    before = child;
  }
  return before;
}

void CancellationState::cancel() noexcept {
  // Release: pairs with is_cancelled().
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  hold();
  CancellationState* first = this;
  while (first != nullptr) {
    CancellationState* const state = std::exchange(first, first->next_cancelled_);
    first = state->cancel_children(first);
    state->event_.set();
    state->request_stop();
    drop(state);
  }
}

void CancellationState::request_stop() noexcept {
  std::optional<std::stop_source> stop;
  {
    const std::lock_guard lock(mutex_);
    stop = stop_;
  }
  if (stop.has_value()) stop->request_stop();
}

std::stop_token CancellationState::stop_token() {
  std::stop_source made;  // outside the mutex: it allocates
  {
    const std::lock_guard lock(mutex_);
    if (stop_.has_value()) return stop_->get_token();
    stop_ = made;
  }
  // A cancel that did not find it came before the mutex was locked, and is seen here.
  if (is_cancelled()) made.request_stop();
  return made.get_token();
}

void CancellationState::follow(std::stop_token token) {
  followed_.emplace(std::move(token), Follow(*this));
}

/// Runs within a request to stop. The destructor of the state waits for it, unless it is destroyed
/// in here: then the callback is not touched any more.
void CancellationState::Follow::operator()() const noexcept {
  CancellationState* const state = state_;
  if (!state->try_hold()) return;
  state->cancel();
  drop(state);
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

void CancellationToken::blocking_wait() const {
  wait_on_thread(detail::CancelledRequest(state_), "weft::CancellationToken::blocking_wait");
}

CancellationSource::CancellationSource() : state_(*new detail::CancellationState(nullptr)) {}

CancellationSource::CancellationSource(const CancellationToken& parent)
    : state_(*new detail::CancellationState(&*parent.state_)) {}

CancellationSource::CancellationSource(std::stop_token token) : CancellationSource() {
  state_->follow(std::move(token));
}

}  // namespace weft::inline v0_1
