// Watchdog: sees to it that a worker that computes for long keeps nobody else waiting: what has
// become ready in its park is collected in its place, and what stands in its queues is worth
// another worker's wake-up. A thread of its own, as Go's sysmon (runtime/proc.go): with the workers
// that are idle asleep, and the others busy, nobody else would notice
// (docs/decisions/020-remote-polling-of-a-busy-worker.md).
//
// It looks around every `period` while any worker does something, and sleeps while none is awake. A
// worker that has not come back to its loop between two looks is stuck: until it has, its park's
// handle is watched as well, so that what comes for it waits no longer than for anybody else.
//
// Thread-safety: start() and stop() by one thread; worker_woke() by any.
#pragma once

#include <poll.h>
#include <weft/atomic.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "exec/watchdog_parker.hpp"

namespace weft::detail {

class Scheduler;
class Worker;

class Watchdog {
 public:
  static constexpr std::chrono::milliseconds period{5};

  explicit Watchdog(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
  ~Watchdog() { stop(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Throws std::system_error if there can be no thread.
  void start();
  /// Idempotent.
  void stop() noexcept;
  /// A worker is awake that slept a moment ago.
  void worker_woke() noexcept { sleep_.wake(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    std::uint64_t turns;
    Clock::time_point since;
  };

  void run() noexcept;
  [[nodiscard]] bool is_stuck(const Worker& worker, Seen& seen, Clock::time_point now) noexcept;
  void check_workers() noexcept;
  void wait() noexcept;

  Scheduler& scheduler_;
  WatchdogParker sleep_;
  Atomic<bool> stop_{false};
  std::thread thread_;
  // The thread's own
  std::vector<Seen> seen_;
  std::vector<pollfd> stuck_;  // the handles of those who are
  std::int64_t timeout_ns_ = 0;
  std::uint64_t turns_ = 0;  // of all workers, when they were last looked at …
  bool quiet_ = false;       // … and whether they had not changed
};

}  // namespace weft::detail
