#include "exec/watchdog.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/syscalls.hpp"
#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

std::error_code Watchdog::start() {
  // All the memory that it will ever need.
  seen_.assign(pool_.most(), Seen{~std::uint64_t{0}, {}});
  stuck_.reserve(pool_.most());
  return start_thread(thread_, [this] { run(); });
}

void Watchdog::stop() noexcept {
  if (!thread_.joinable()) return;
  stop_.store(true, std::memory_order_relaxed);  // ordered by the wake, or noticed a period later
  parker_.wake_for_good();
  thread_.join();
}

void Watchdog::run() noexcept {
  name_current_thread("weft-watchdog");
  while (!stop_.load(std::memory_order_relaxed)) {
    check_workers();
    wait();
  }
}

bool Watchdog::is_stuck(const Worker& worker, Seen& seen, Clock::time_point now) noexcept {
  const std::uint64_t ticks = worker.ticks();
  if (ticks != seen.ticks) seen = {ticks, now};
  return now - seen.since >= period || worker.away();
}

void Watchdog::check_workers() noexcept {
  stuck_.clear();
  timeout_ns_ = std::chrono::nanoseconds(period).count();
  const Clock::time_point now = Clock::now();
  std::uint64_t ticks = 0;
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    Worker& worker = pool_.worker(i);
    ticks += worker.ticks();
    if (!is_stuck(worker, seen_[i], now)) continue;
    // A parked worker does not advance either; but it is in its park, which refuses a remote poll.
    const std::optional<Park::RemotePoll> remote = worker.park().poll_remotely();
    if (!remote) continue;
    stuck_.push_back({.fd = remote->handle, .events = POLLIN, .revents = 0});
    if (remote->timeout_ns >= 0) timeout_ns_ = std::min(timeout_ns_, remote->timeout_ns);
    if (worker.has_any_work()) pool_.wake_one();
  }
  quiet_ = std::exchange(ticks_, ticks) == ticks;
}

void Watchdog::wait() noexcept {
  if (stuck_.empty() && !quiet_) {
    // Not wait(): workers that park and wake every other moment would have to wake it each time.
    parker_.nap(period);
  } else if (stuck_.empty()) {
    parker_.wait(period, [this] { return pool_.idle().anyone_awake(); });
  } else {
    // An interruption makes the next check too early. Without this call checks become rarer.
    const std::int64_t ready = Syscalls::ppoll(stuck_.data(), stuck_.size(), timeout_ns_);
    if (ready < 0 && ready != -EINTR) parker_.nap(period);
  }
}

}  // namespace weft::inline v0_1::detail
