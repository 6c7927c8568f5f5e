// Watchdog: a thread that notices workers that compute for long, and does for them what they cannot
// do meanwhile: it polls their parks, so that I/O and timers of other tasks are not stalled, and
// wakes another worker to steal from their queues. (Go: sysmon, runtime/proc.go. Why a thread of
// its own: docs/decisions/020-remote-polling-of-a-busy-worker.md.)
//
// While any worker is awake it checks all of them every `period`. A worker whose loop has not
// advanced for a period is stuck. As long as there are stuck workers the watchdog waits on the
// handles of their parks, so that their events are late by no more than a system call. While no
// worker is awake it sleeps.
//
// Thread-safety: construction, start() and stop() by one thread, before and after the workers run.
#pragma once

#include <poll.h>
#include <weft/atomic.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

#include "exec/watchdog_parker.hpp"
#include "exec/worker.hpp"
#include "exec/worker_pool.hpp"

namespace weft::inline v0_1::detail {

class Watchdog {
 public:
  static constexpr std::chrono::milliseconds period{5};

  /// From here on the workers of `pool` wake it when they wake.
  explicit Watchdog(WorkerPool& pool) noexcept : pool_(pool) { pool.watched_by(parker_); }
  ~Watchdog() { stop(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Returns why there can be no thread. Throws std::bad_alloc.
  [[nodiscard]] std::error_code start();
  /// Idempotent.
  void stop() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    std::uint64_t ticks;
    Clock::time_point since;
  };

  void run() noexcept;
  [[nodiscard]] bool is_stuck(const Worker& worker, Seen& seen, Clock::time_point now) noexcept;
  void check_workers() noexcept;
  void wait() noexcept;

  WorkerPool& pool_;
  WatchdogParker parker_;
  Atomic<bool> stop_{false};
  std::thread thread_;
  // The thread's own
  std::vector<Seen> seen_;
  std::vector<pollfd> stuck_;  // the handles of the stuck workers' parks
  std::int64_t timeout_ns_ = 0;
  std::uint64_t ticks_ = 0;  // the sum over all workers, at the last check …
  bool quiet_ = false;       // … and whether it had not changed since the one before
};

}  // namespace weft::inline v0_1::detail
