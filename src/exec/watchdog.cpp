#include "exec/watchdog.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "exec/scheduler.hpp"
#include "os/syscalls.hpp"
#include "os/thread.hpp"

namespace weft::detail {

void Watchdog::start() {
  // All the memory that it will ever need.
  seen_.assign(scheduler_.most(), Seen{~std::uint64_t{0}, {}});
  stuck_.reserve(scheduler_.most());
  thread_ = std::thread([this] { run(); });
}

void Watchdog::stop() noexcept {
  if (!thread_.joinable()) return;
  stop_.store(true, std::memory_order_relaxed);  // ordered by the wake, or noticed a period later
  sleep_.wake_for_good();
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
  const std::uint64_t turns = worker.turns();
  if (turns != seen.turns) seen = {turns, now};
  return now - seen.since >= period || worker.away();
}

void Watchdog::check_workers() noexcept {
  stuck_.clear();
  timeout_ns_ = std::chrono::nanoseconds(period).count();
  const Clock::time_point now = Clock::now();
  std::uint64_t turns = 0;
  for (std::size_t i = 0; i < scheduler_.size(); ++i) {
    Worker& worker = scheduler_.worker(i);
    turns += worker.turns();
    if (!is_stuck(worker, seen_[i], now)) continue;
    // A worker that sleeps is no other to look at; but it is in its park, which so has no visitor.
    const std::optional<Park::RemotePoll> remote = worker.park().poll_remotely();
    if (!remote) continue;
    stuck_.push_back({.fd = remote->handle, .events = POLLIN, .revents = 0});
    if (remote->timeout_ns >= 0) timeout_ns_ = std::min(timeout_ns_, remote->timeout_ns);
    if (worker.has_any_work()) scheduler_.wake_one();
  }
  quiet_ = std::exchange(turns_, turns) == turns;
}

void Watchdog::wait() noexcept {
  if (stuck_.empty() && !quiet_) {
    // Workers that wake up every other moment shall not have to wake him, too.
    sleep_.nap(period);
  } else if (stuck_.empty()) {
    sleep_.wait(period, [this] { return scheduler_.idle().anyone_awake(); });
  } else {
    // An interruption makes it look around too early; without the call it looks less often.
    const std::int64_t ready = Syscalls::ppoll(stuck_.data(), stuck_.size(), timeout_ns_);
    if (ready < 0 && ready != -EINTR) sleep_.nap(period);
  }
}

}  // namespace weft::detail
