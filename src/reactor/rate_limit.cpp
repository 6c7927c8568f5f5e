// RateLimiter: a token bucket in whole numbers.
//
// `permits` in a period of p nanoseconds is permits/p a nanosecond. With the fraction in lowest
// terms, gain/cost, the level is counted in units of which a nanosecond adds `gain` and a permit
// takes `cost`. The level is never above the burst's, so in any time t at most burst + t * rate is
// taken.
//
// A wait is two: for the turn, a Mutex, which keeps the order; and, with the turn, for the time at
// which enough has accrued. waiting_ counts both, so that no call overtakes a wait.
#include <weft/rate_limit.hpp>

#include <weft/sleep.hpp>

#include <limits>
#include <mutex>
#include <numeric>
#include <stdexcept>

namespace weft::inline v0_1 {

/// Counts as waiting while it lives.
class RateLimiter::Turn {
 public:
  explicit Turn(RateLimiter& limiter) noexcept : limiter_(limiter) {
    const std::lock_guard lock(limiter_.mutex_);
    ++limiter_.waiting_;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    const std::lock_guard lock(limiter_.mutex_);
    --limiter_.waiting_;
  }

 private:
  RateLimiter& limiter_;
};

RateLimiter::RateLimiter(std::size_t permits, Duration period, std::size_t burst) : burst_(burst) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t period_ns = Nanoseconds(period).count();
  if (permits == 0 || burst == 0 || period_ns <= 0) {
    throw std::invalid_argument(
        "weft::RateLimiter: the permits, the period and the burst must be more than zero");
  }
  if (permits > static_cast<std::size_t>(most) || burst > static_cast<std::size_t>(most)) {
    throw std::invalid_argument("weft::RateLimiter: so many permits cannot be counted");
  }
  const std::int64_t common = std::gcd(static_cast<std::int64_t>(permits), period_ns);
  gain_ = static_cast<std::int64_t>(permits) / common;
  cost_ = period_ns / common;
  if (static_cast<std::int64_t>(burst) > most / cost_) {
    throw std::invalid_argument("weft::RateLimiter: a burst of " + std::to_string(burst) +
                                " takes too long to accrue: choose a smaller one");
  }
  full_ = static_cast<std::int64_t>(burst) * cost_;
  level_ = full_;
}

/// With mutex_ held.
void RateLimiter::accrue(TimePoint present) noexcept {
  if (!as_of_.has_value()) as_of_ = present;
  if (present <= *as_of_) return;  // also for a thread with another clock
  const std::int64_t elapsed = (present - *as_of_).count();
  as_of_ = present;
  const std::int64_t missing = full_ - level_;
  // Compared first: the product may be too large.
  level_ = elapsed > missing / gain_ ? full_ : level_ + elapsed * gain_;
}

std::optional<TimePoint> RateLimiter::take_or_due(std::size_t permits) noexcept {
  const TimePoint present = now();
  const std::lock_guard lock(mutex_);
  accrue(present);
  const std::int64_t wanted = static_cast<std::int64_t>(permits) * cost_;  // at most full_
  if (wanted <= level_) {
    level_ -= wanted;
    return std::nullopt;
  }
  const std::int64_t missing = wanted - level_;
  return later(*as_of_, Nanoseconds(missing / gain_ + (missing % gain_ != 0 ? 1 : 0)));
}

bool RateLimiter::take_at_once(std::size_t permits) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ != 0) return false;
  }
  return !take_or_due(permits).has_value();
}

bool RateLimiter::try_acquire(std::size_t permits) noexcept {
  return permits <= burst_ && take_at_once(permits);
}

Task<void> RateLimiter::acquire(std::size_t permits) {
  if (permits > burst_) {
    throw std::invalid_argument("weft::RateLimiter::acquire: " + std::to_string(permits) +
                                " permits are more than the burst of " + std::to_string(burst_) +
                                ", and so never there at once");
  }
  return wait_and_take(permits);
}

Task<void> RateLimiter::wait_and_take(std::size_t permits) {
  if (take_at_once(permits)) co_return;
  const Turn waiting(*this);
  const MutexGuard turn = co_await turn_.lock();
  while (const std::optional<TimePoint> due = take_or_due(permits)) co_await sleep_until(*due);
}

std::size_t RateLimiter::available() noexcept {
  const TimePoint present = now();
  const std::lock_guard lock(mutex_);
  accrue(present);
  return static_cast<std::size_t>(level_ / cost_);
}

std::size_t RateLimiter::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

ConcurrencyLimit::ConcurrencyLimit(std::size_t most) : most_(most) {
  if (most == 0 || most > Semaphore::most_permits) {
    throw std::invalid_argument("weft::ConcurrencyLimit: from 1 to Semaphore::most_permits");
  }
  places_ = std::make_shared<Semaphore>(most);
}

}  // namespace weft::inline v0_1
