// What <weft/time.hpp> and <weft/deadline.hpp> declare: the clock of this thread's reactor,
// sleeping, intervals, and how much time is left.
#include <weft/deadline.hpp>
#include <weft/time.hpp>

#include <algorithm>
#include <stdexcept>

#include "os/clock.hpp"
#include "reactor/reactor.hpp"

namespace weft {

TimePoint now() noexcept {
  if (Reactor* const reactor = Reactor::current()) return TimePoint(Nanoseconds(reactor->now()));
  SteadyClock clock;
  return TimePoint(Nanoseconds(clock.now()));
}

TimePoint deadline_after(Nanoseconds after) noexcept {
  const TimePoint start = now();
  return after > TimePoint::max() - start ? TimePoint::max() : start + after;
}

TimePoint current_deadline() noexcept {
  return TimePoint(Nanoseconds(TaskContext::deadline_of(TaskContext::current())));
}

Nanoseconds remaining() noexcept {
  const TimePoint at = current_deadline();
  if (at == TimePoint::max()) return Nanoseconds::max();
  return std::max(at - now(), Nanoseconds::zero());
}

Result<void> SleepRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(os_error(static_cast<int>(-result)));
  return {};
}

Interval::Interval(Nanoseconds period, Missed missed) : period_(period), missed_(missed) {
  if (period <= Nanoseconds::zero()) {
    throw std::invalid_argument("weft::Interval: the period must be positive");
  }
  next_ = deadline_after(period);
}

Task<TimePoint> Interval::tick() {
  co_await sleep_until(next_);
  const TimePoint due = next_;
  next_ += period_;
  const TimePoint present = now();
  if (missed_ == Missed::skip && next_ <= present) {
    next_ += ((present - next_) / period_ + 1) * period_;
  }
  co_return due;
}

}  // namespace weft
