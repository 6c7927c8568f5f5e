// Forks of a task: what it does itself, what it gives away, and the end of both.
#include <weft/detail/fork_point.hpp>

#include <utility>

namespace weft::detail {

// The task's own parts

std::coroutine_handle<> ForkPoint::begin(PromiseBase& forking) noexcept {
  TaskHeader& task = forking.task();
  if (task.cancel_requested()) [[unlikely]] {  // nothing is begun once a cancel was asked for
    task.suspended_at(forking);
    task.leaf_ended(true);
    return std::noop_coroutine();
  }
  placed_in(forking);
  context_ = task.context();
  if (pending()) older_ = std::exchange(task.pending_forks(), this);
  return begin_next();
}

std::coroutine_handle<> ForkPoint::go_on() noexcept {
  if (!take_result(next_ - 1)) [[unlikely]]
    note_failure(next_ - 1);
  if (!pending()) return finish();
  if (first_failed() != none || task().cancel_requested()) [[unlikely]] {
    drop_pending();
    return finish();
  }
  return begin_next();
}

/// What to go on with: the next part, or the end if it cannot be made.
std::coroutine_handle<> ForkPoint::begin_next() noexcept {
  const Part part = next_++;
  // The newest in the list: newer ones were in parts that have returned.
  if (!pending()) task().pending_forks() = older_;
  PromiseBase* const frame = make_here(part);
  if (frame == nullptr) [[unlikely]] {
    note_failure(part);
    if (pending()) drop_pending();
    return finish();
  }
  if (task().executor().has_idle_threads()) [[unlikely]]
    task().give_fork();
  return task().transfer_to(*frame);
}

/// They will not begin.
void ForkPoint::drop_pending() noexcept {
  task().pending_forks() = older_;  // the newest, as in begin_next()
  next_ = end_;
  some_cancelled_.store(true, std::memory_order_relaxed);
}

/// No part is left for the task itself.
std::coroutine_handle<> ForkPoint::finish() noexcept {
  if (given()) return wait();
  if (first_failed() != none || !some_cancelled_.load(std::memory_order_relaxed)) [[likely]] {
    return task().transfer_to(*parent());
  }
  task().suspended_at(*parent());
  task().leaf_ended(true);
  return std::noop_coroutine();
}

std::coroutine_handle<> ForkPoint::wait() noexcept {
  TaskHeader& waiting = task();
  waiting.suspended_at(*parent());
  if (!waiting.arm(*this)) cancel_given_outward();
  // Acquire-release: the last one sees what every part wrote.
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1) return std::noop_coroutine();
  if (settle()) {
    waiting.leaf_ended(true);
    return std::noop_coroutine();
  }
  return waiting.leaf_ended_inline() ? parent()->handle() : std::noop_coroutine();
}

bool ForkPoint::unwound() noexcept {
  if (pending()) drop_pending();
  if (!given()) return true;
  some_cancelled_.store(true, std::memory_order_relaxed);
  TaskHeader& waiting = task();
  // Suspended here, as by suspended_at(); but it stays to be unwound.
  waiting.innermost_ = parent();
  waiting.run_ahead_ = false;
  cancel_given_outward();
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiting.leaf_ended(settle());
  return false;
}

/// All have ended: whether as cancelled.
bool ForkPoint::settle() noexcept {
  if (first_failed() == none) return some_cancelled_.load(std::memory_order_relaxed);
  // Nobody else had asked for it: the task goes on, with the failure.
  if (asked_within_) task().end_cancel_within();
  return false;
}

/// Of a part of the task's own.
void ForkPoint::note_failure(Part part) noexcept {
  Part expected = none;
  if (failed_.compare_exchange_strong(expected, part, std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
    cancel_all_given();
  }
}

// What is given away

/// The last pending part becomes a task of its own.
void ForkPoint::give_one() noexcept {
  const Part part = end_ - 1;
  GivenPart* made = nullptr;
  {
    // What is bound where the task forks, and not what it may have bound since, within a part.
    const ContextScope scope(context_);
    made = make_given(part);
  }
  // Relaxed: who has the part finds it by the executor's queue. The first time the task counts,
  // too.
  outstanding_.fetch_add(given() ? 1 : 2, std::memory_order_relaxed);
  --end_;
  if (made == nullptr) return given_ended(part, false, true);  // as if it had begun and failed
  made->set_context(context_);
  made->executor().offer(*made);
}

void ForkPoint::given_ended(Part part, bool cancelled, bool failed) noexcept {
  if (cancelled) some_cancelled_.store(true, std::memory_order_relaxed);
  Part expected = none;
  if (failed && failed_.compare_exchange_strong(expected, part, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
    // While this part still counts, so the task is within the fork. Its cancel reaches the others
    // that were given: the task sees to that, who alone knows how many there are.
    asked_within_ = true;
    task().cancel_within();
  }
  TaskHeader& waiting = task();
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiting.leaf_ended(settle());
}

void ForkPoint::cancel_all_given() noexcept {
  for (Part part = end_; part < size_; ++part) cancel_given(part);
}

/// The task is to be unwound from here, to its root or to the outermost fork that asked for that:
/// the parts of all forks on that way are asked now, rather than those of each when the task has
/// waited for those of the one before.
///
/// A fork that was asked already ends the way: those around it were asked with it, or are when the
/// unwinding comes there. Nothing is given after that: a fork that gave something, as this one did,
/// has no fork around it with pending parts, for the oldest gives first; and this one, and those
/// within, begin nothing more.
void ForkPoint::cancel_given_outward() noexcept {
  if (all_asked_) return;
  const TaskHeader& unwinding = task();
  // Acquire: who sees that a fork wants its part ended sees in failed_ which.
  const std::uint32_t reasons = unwinding.cancel_reasons_.load(std::memory_order_acquire);
  const bool to_the_root = (reasons & TaskHeader::from_outside) != 0 || unwinding.is_unwanted();
  std::uint32_t forks = reasons & TaskHeader::asking_forks;  // not yet come to
  for (ForkPoint* each = this; each != nullptr; each = each->outer_unasked()) {
    each->cancel_all_given();
    each->all_asked_ = true;
    if (forks != 0 && each->asks_for_its_end()) --forks;
    if (forks == 0 && !to_the_root) return;
  }
}

/// Whether a part that was given has failed: see given_ended().
bool ForkPoint::asks_for_its_end() const noexcept {
  const Part failed = first_failed();
  return failed != none && failed >= end_;
}

/// The next fork of the chain outward, unless its parts were asked to cancel already.
ForkPoint* ForkPoint::outer_unasked() const noexcept {
  PromiseBase* frame = parent();
  while (frame != nullptr && !frame->is_fork()) frame = frame->parent();
  // SAFETY: only a ForkPoint has no frame.
  auto* const outer = static_cast<ForkPoint*>(frame);
  return outer != nullptr && !outer->all_asked_ ? outer : nullptr;
}

void ForkPoint::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a ForkPoint, which stays while the
  // request lasts: the task is not resumed before request_finished().
  auto& point = static_cast<ForkPoint&>(self);
  TaskHeader& waiting = point.task();
  point.cancel_given_outward();
  waiting.request_finished();
}

}  // namespace weft::detail

namespace weft {

// The task

std::coroutine_handle<> TaskHeader::fork_part_ended(PromiseBase& at) noexcept {
  // SAFETY: only a ForkPoint has no frame.
  return static_cast<detail::ForkPoint&>(at).go_on();
}

/// A thread has nothing to do: the oldest fork, which has the largest parts, gives one, unless
/// something is on offer already.
void TaskHeader::give_fork() noexcept {
  if (pending_forks() == nullptr || !executor_for_parts().wants_offers()) return;
  if (is_unwanted()) return cancel();
  detail::ForkPoint** link = &pending_forks();
  while ((*link)->older_ != nullptr) link = &(*link)->older_;
  detail::ForkPoint& oldest = **link;
  oldest.give_one();
  if (!oldest.pending()) *link = oldest.older_;
}

/// Whether it is a part of what is to be unwound, though the request has not come down to it. For
/// each task on the way passes it on only when it runs, and if those that do run went on to give
/// parts meanwhile, these would be the next to be waited for.
bool TaskHeader::is_unwanted() const noexcept {
  constexpr int most_forks = 16;  // so that to give does not cost more the deeper tasks are nested
  const TaskHeader* task = this;
  // Relaxed: who sees it late gives once more.
  for (int i = 0; i < most_forks; ++i) {
    if ((task->cancel_reasons_.load(std::memory_order_relaxed) & given_part) == 0) return false;
    // SAFETY: only a GivenPart has the mark. Its fork waits for it, so what is around it lives.
    const detail::ForkPoint& fork = static_cast<const detail::GivenPart*>(task)->fork();
    task = &fork.task();
    if (fork.first_failed() != detail::ForkPoint::none ||
        (task->cancel_reasons_.load(std::memory_order_relaxed) & from_outside) != 0) {
      return true;
    }
  }
  return false;
}

/// The task is about to wait, so its thread does nothing for its forks: others may. Not once a
/// cancel was asked for, when nothing begins: what is pending is dropped by the unwinding.
void TaskHeader::share_forks() noexcept {
  if (cancel_requested()) return;
  detail::ForkPoint* oldest_first = nullptr;
  for (detail::ForkPoint* each = std::exchange(pending_forks(), nullptr); each != nullptr;) {
    detail::ForkPoint* const older = std::exchange(each->older_, oldest_first);
    oldest_first = std::exchange(each, older);
  }
  while (oldest_first != nullptr) {
    detail::ForkPoint& point = *oldest_first;
    oldest_first = point.older_;
    while (point.pending() && !cancel_requested()) point.give_one();
    // After a failure the rest remains the task's, to be dropped.
    if (point.pending()) point.older_ = std::exchange(pending_forks(), &point);
  }
}

}  // namespace weft
