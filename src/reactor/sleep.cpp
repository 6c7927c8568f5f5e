// The functions that the time headers declare: the clock of this thread's reactor, sleeping
// (SleepLeaf), intervals, the time left until a deadline. Called from tasks; now(), later() and the
// deadline functions from any thread.
//
// SleepLeaf is touched by the task's thread until suspend() returns, then by the thread that holds
// the reactor, and by one canceller: as OperationLeaf (operation_leaf.cpp).
#include <weft/deadline.hpp>
#include <weft/interval.hpp>
#include <weft/sleep.hpp>
#include <weft/time.hpp>

#include <algorithm>
#include <stdexcept>

#include "os/clock.hpp"
#include "reactor/reactor.hpp"

namespace weft::inline v0_1 {

TimePoint now() noexcept {
  if (detail::Reactor* const reactor = detail::Reactor::current())
    return TimePoint(Nanoseconds(reactor->now()));
  detail::SteadyClock clock;
  return TimePoint(Nanoseconds(clock.now()));
}

TimePoint later(TimePoint point, Nanoseconds after) noexcept {
  return after > TimePoint::max() - point ? TimePoint::max() : point + after;
}

TimePoint deadline_after(Duration after) noexcept { return later(now(), after); }

TimePoint current_deadline() noexcept {
  return TimePoint(Nanoseconds(detail::TaskContext::deadline_of(detail::TaskContext::current())));
}

Nanoseconds remaining() noexcept {
  const TimePoint at = current_deadline();
  if (at == TimePoint::max()) return Nanoseconds::max();
  const TimePoint present = now();
  return at > present ? at - present : Nanoseconds::zero();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

bool SleepLeaf::suspend(PromiseBase& innermost) noexcept {
  task_ = &innermost.task();
  if (!task_->suspended_to_begin(innermost)) return true;
  reactor_ = Reactor::current();
  // Held until the leaf is armed: a remote thread could otherwise end the sleep before that.
  const Reactor::Hold hold(*reactor_);
  if (reactor_->has_passed(deadline)) {
    // Ends at once: the wheel would fire it only at its next tick.
    if (task_->spend_budget()) return false;
    task_->resume_later();
    return true;
  }
  reactor_->start_held(*this);
  // If arm() fails, a cancel was requested after suspended_to_begin() looked. Its canceller found
  // nothing armed, so this thread makes the cancel.
  if (!task_->arm(*this)) {
    static_cast<void>(reactor_->take_back(*this));
    task_->leaf_ended(true);
  }
  return true;
}

void SleepLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a SleepLeaf.
  auto& sleep = static_cast<SleepLeaf&>(self);
  if (sleep.reactor_ != Reactor::current()) {
    sleep.reactor_->post_cancel(sleep);  // called again on the reactor's thread
    return;
  }
  TaskHeader* const task = sleep.task_;
  if (sleep.reactor_->take_back(sleep)) task->leaf_ended(true);
  task->request_finished();
}

void NeverAwaiter::suspend(PromiseBase& innermost) noexcept {
  task_ = &innermost.task();
  static_cast<void>(task_->suspended_and_armed(innermost, *this));
}

void NeverAwaiter::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a NeverAwaiter.
  TaskHeader* const task = static_cast<NeverAwaiter&>(self).task_;
  task->leaf_ended(true);
  task->request_finished();
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Interval::Interval(Duration period, Missed missed) : period_(period), missed_(missed) {
  if (period_ <= Nanoseconds::zero()) {
    throw std::invalid_argument("weft::Interval: the period must be positive");
  }
  next_ = deadline_after(period_);
}

void Interval::reset() noexcept { next_ = deadline_after(period_); }

void Interval::reset_after(Duration after) noexcept { next_ = deadline_after(after); }

Task<TimePoint> Interval::tick() {
  co_await sleep_until(next_);
  const TimePoint due = next_;
  next_ = later(next_, period_);
  const TimePoint present = now();
  if (missed_ == Missed::skip && next_ <= present) {
    next_ = later(next_ + (present - next_) / period_ * period_, period_);
  }
  co_return due;
}

}  // namespace weft::inline v0_1
