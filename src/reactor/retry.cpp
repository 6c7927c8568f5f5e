#include <weft/retry.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace weft::inline v0_1 {

namespace {

/// A step of a 64-bit generator (Guy Steele and others, "Fast splittable pseudorandom number
/// generators", 2014).
std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

Nanoseconds check_pause(Nanoseconds pause) {
  if (pause >= Nanoseconds::zero()) return pause;
  throw std::invalid_argument("weft::Backoff: a pause must not be negative");
}

double check_factor(double factor) {
  if (factor >= 1) return factor;
  throw std::invalid_argument("weft::Backoff: the factor must be at least 1");
}

/// `pause` times `factor`, at most `longest`.
Nanoseconds grown(Nanoseconds pause, double factor, Nanoseconds longest) noexcept {
  const double length = static_cast<double>(pause.count()) * factor;
  if (length >= static_cast<double>(longest.count())) return longest;
  return Nanoseconds(static_cast<std::int64_t>(length));
}

bool is_transient_exception(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& failure) {
    return is_transient(failure.code());
  } catch (...) {
    return false;
  }
}

}  // namespace

bool is_transient(const std::error_code& error) noexcept {
  constexpr std::errc transient[] = {std::errc::connection_refused,
                                     std::errc::connection_reset,
                                     std::errc::connection_aborted,
                                     std::errc::broken_pipe,
                                     std::errc::timed_out,
                                     std::errc::network_unreachable,
                                     std::errc::network_down,
                                     std::errc::network_reset,
                                     std::errc::host_unreachable,
                                     std::errc::resource_unavailable_try_again,
                                     std::errc::interrupted,
                                     std::errc::no_buffer_space,
                                     std::errc::too_many_files_open,
                                     std::errc::too_many_files_open_in_system,
                                     std::errc::device_or_resource_busy};
  return std::ranges::any_of(transient, [&](std::errc each) { return error == each; });
}

Backoff::Backoff(Duration first, Duration longest, Jitter jitter, double factor)
    : first_(std::min(check_pause(first), check_pause(longest))),
      longest_(longest),
      factor_(check_factor(factor)),
      jitter_(jitter),
      random_(fresh_seed()),
      pause_(first_) {}

Backoff& Backoff::seed(std::uint64_t seed) noexcept {
  random_ = seed;
  return *this;
}

void Backoff::reset() noexcept { pause_ = first_; }

Nanoseconds Backoff::between(Nanoseconds least, Nanoseconds most) noexcept {
  const auto span = static_cast<std::uint64_t>((most - least).count());
  const std::uint64_t random = next_random(random_);
  // The remainder's bias is at most one in 2^64 / span.
  return least +
         Nanoseconds(static_cast<std::int64_t>(span == UINT64_MAX ? random : random % (span + 1)));
}

Nanoseconds Backoff::next() noexcept {
  if (jitter_ == Jitter::decorrelated) {
    pause_ = between(first_, std::max(first_, grown(pause_, 3, longest_)));
    return pause_;
  }
  const Nanoseconds pause = pause_;
  pause_ = grown(pause_, factor_, longest_);
  switch (jitter_) {
    case Jitter::full:
      return between(Nanoseconds::zero(), pause);
    case Jitter::equal:
      return between(pause / 2, pause);
    case Jitter::none:
    case Jitter::decorrelated:
      break;
  }
  return pause;
}

RetryPolicy& RetryPolicy::pauses(Duration first, Duration longest) {
  first_ = check_pause(first);
  longest_ = check_pause(longest);
  return *this;
}

RetryPolicy& RetryPolicy::factor(double factor) {
  factor_ = check_factor(factor);
  return *this;
}

RetryState::RetryState(const RetryPolicy& policy)
    : policy_(policy),
      backoff_(policy.first_, policy.longest_, policy.jitter_, policy.factor_),
      end_(deadline_after(policy.total_)) {
  if (policy.seed_.has_value()) backoff_.seed(*policy.seed_);
}

std::optional<Nanoseconds> RetryState::failed(const std::exception_ptr& error) {
  const bool retried =
      policy_.is_retried_ ? policy_.is_retried_(error) : is_transient_exception(error);
  if (!retried) return std::nullopt;
  if (policy_.most_attempts_ != 0 && attempt_ >= policy_.most_attempts_) return std::nullopt;
  const Nanoseconds pause = backoff_.next();
  if (deadline_after(pause) > end_) return std::nullopt;
  if (policy_.before_pause_) policy_.before_pause_(RetryPause(attempt_, pause, error));
  ++attempt_;
  return pause;
}

}  // namespace weft::inline v0_1
