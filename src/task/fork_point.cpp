// ForkPoint: the parts a task runs itself, the parts it gives away, and the end of both. The
// contract and the invariants are in <weft/detail/fork_point.hpp>.
#include <weft/detail/fork_point.hpp>

#include <utility>

namespace weft::inline v0_1::detail {

// The task's own parts

std::coroutine_handle<> ForkPoint::begin(PromiseBase& forking) noexcept {
  TaskHeader& task = forking.task();
  if (task.cancel_requested()) [[unlikely]] {  // nothing begins after a cancel
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

/// Returns the handle of the next part, or of the end if that part cannot be made.
std::coroutine_handle<> ForkPoint::begin_next() noexcept {
  const Part part = next_++;
  // This point is the newest in the list: newer points were in parts that have returned.
  if (!pending()) task().pending_forks() = older_;
  PromiseBase* const frame = make_here(part);
  if (frame == nullptr) [[unlikely]] {
    note_failure(part);
    if (pending()) drop_pending();
    return finish();
  }
  if (task().executor().has_idle_threads()) [[unlikely]]
    task().give_fork();
  return task().transfer_down_to(*frame);
}

/// The pending parts will not begin.
void ForkPoint::drop_pending() noexcept {
  task().pending_forks() = older_;  // the newest, as in begin_next()
  next_ = end_;
  some_cancelled_.store(true, std::memory_order_relaxed);
}

/// Called when no part is left for the task itself.
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
  // Acquire-release: the last one sees what every part wrote. Pairs with given_ended().
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
  // Suspended here, as by suspended_at(); but the next run still unwinds.
  waiting.innermost_ = parent();
  waiting.run_ahead_ = false;
  cancel_given_outward();
  // Acquire-release: as in wait().
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiting.leaf_ended(settle());
  return false;
}

/// Called when every part has ended. Returns whether the fork ended as cancelled.
bool ForkPoint::settle() noexcept {
  if (first_failed() == none) return some_cancelled_.load(std::memory_order_relaxed);
  // No cancel came from elsewhere: the task goes on, with the failure.
  if (asked_within_) task().end_cancel_within();
  return false;
}

/// Notes the failure of a part that the task ran itself.
void ForkPoint::note_failure(Part part) noexcept {
  Part expected = none;
  if (failed_.compare_exchange_strong(expected, part, std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
    cancel_all_given();
  }
}

// What is given away

/// Makes the last pending part a task of its own, and offers it to other threads.
void ForkPoint::give_one() noexcept {
  const Part part = end_ - 1;
  GivenPart* made = nullptr;
  {
    // The part gets the bindings of the fork, not those that the task has made since, within a
    // part.
    const ContextScope scope(context_);
    made = make_given(part);
  }
  // Relaxed: the thread that runs the part gets it through the executor's queue. At the first gift
  // the task itself counts, too.
  outstanding_.fetch_add(given() ? 1 : 2, std::memory_order_relaxed);
  --end_;
  if (made == nullptr) return given_ended(part, false, true);  // as if it had begun and failed
  made->set_context(context_);
  made->executor().offer(*made);
}

void ForkPoint::given_ended(Part part, bool cancelled, bool failed) noexcept {
  if (cancelled) some_cancelled_.store(true, std::memory_order_relaxed);
  Part expected = none;
  // Relaxed: cancel_within() and the decrement below publish it.
  if (failed && failed_.compare_exchange_strong(expected, part, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
    // While this part still counts, so the task is within the fork. The cancel reaches the other
    // given parts through the task, which alone knows how many there are.
    asked_within_ = true;
    task().cancel_within();
  }
  TaskHeader& waiting = task();
  // Acquire-release: pairs with the decrements of the other parts and of the task, in wait().
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiting.leaf_ended(settle());
}

void ForkPoint::cancel_all_given() noexcept {
  for (Part part = end_; part < size_; ++part) cancel_given(part);
}

/// Called when the task is to be unwound from here, to its root or to the outermost fork that
/// requested it. Cancels the given parts of all forks on that way now, not those of each fork only
/// after the task has waited for the inner one's.
///
/// A fork whose parts were asked already ends the loop: the forks around it were asked with it, or
/// will be when the unwinding gets there. No part is given after that: the forks around this one
/// have no pending parts, as it has given some and the oldest fork gives first; this fork, and
/// those within it, begin nothing more.
void ForkPoint::cancel_given_outward() noexcept {
  if (all_asked_) return;
  const TaskHeader& unwinding = task();
  // Acquire: pairs with cancel_within(). A thread that sees that a fork requested its end also
  // sees, in failed_, which fork.
  const std::uint32_t reasons = unwinding.cancel_reasons_.load(std::memory_order_acquire);
  const bool to_the_root = (reasons & TaskHeader::from_outside) != 0 || unwinding.is_unwanted();
  std::uint32_t forks = reasons & TaskHeader::asking_forks;  // not yet met on the way
  for (ForkPoint* each = this; each != nullptr; each = each->outer_unasked()) {
    each->cancel_all_given();
    each->all_asked_ = true;
    if (forks != 0 && each->asks_for_its_end()) --forks;
    if (forks == 0 && !to_the_root) return;
  }
}

/// Whether a given part has failed: see given_ended().
bool ForkPoint::asks_for_its_end() const noexcept {
  const Part failed = first_failed();
  return failed != none && failed >= end_;
}

/// Returns the next fork outward in the chain; null: there is none, or its parts were asked
/// already.
ForkPoint* ForkPoint::outer_unasked() const noexcept {
  PromiseBase* frame = parent();
  while (frame != nullptr && !frame->is_fork()) frame = frame->parent();
  // SAFETY: only a ForkPoint has no frame.
  auto* const outer = static_cast<ForkPoint*>(frame);
  return outer != nullptr && !outer->all_asked_ ? outer : nullptr;
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

// The task

std::coroutine_handle<> TaskHeader::fork_part_ended(PromiseBase& at) noexcept {
  // SAFETY: only a ForkPoint has no frame.
  return static_cast<detail::ForkPoint&>(at).go_on();
}

/// Called when a thread has no work: the oldest fork, which has the largest parts, gives one away,
/// unless something is on offer already.
void TaskHeader::give_fork() noexcept {
  if (pending_forks() == nullptr || !executor_for_parts().wants_offers()) return;
  if (is_unwanted()) return cancel();
  detail::ForkPoint** link = &pending_forks();
  while ((*link)->older_ != nullptr) link = &(*link)->older_;
  detail::ForkPoint& oldest = **link;
  oldest.give_one();
  if (!oldest.pending()) *link = oldest.older_;
}

/// Whether this task is part of something that is to be unwound, though the request has not reached
/// it yet. Each task on the way passes the request on only when it runs. If running tasks gave
/// parts away meanwhile, those parts would be the next to wait for.
bool TaskHeader::is_unwanted() const noexcept {
  constexpr int most_forks = 16;  // bounds the cost of giving, however deep tasks are nested
  const TaskHeader* task = this;
  // Relaxed: a task that sees it late gives one more part.
  for (int i = 0; i < most_forks; ++i) {
    if ((task->cancel_reasons_.load(std::memory_order_relaxed) & given_part) == 0) return false;
    // SAFETY: only a GivenPart has the mark. Its fork waits for it, so the fork and its task live.
    const detail::ForkPoint& fork = static_cast<const detail::GivenPart*>(task)->fork();
    task = &fork.task();
    if (fork.first_failed() != detail::ForkPoint::none ||
        (task->cancel_reasons_.load(std::memory_order_relaxed) & from_outside) != 0) {
      return true;
    }
  }
  return false;
}

/// Called when the task is about to wait: its thread does nothing for its forks, so it gives all
/// pending parts away. Not after a cancel, when nothing begins: the unwinding drops the pending
/// parts.
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
    // After a failure the rest stays with the task, which drops it.
    if (point.pending()) point.older_ = std::exchange(pending_forks(), &point);
  }
}

}  // namespace weft::inline v0_1
