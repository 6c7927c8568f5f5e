// Impl: one runtime from the inside: reactors, executor, the outermost scope, worker threads.
// The only place that joins them.
//
// Order of life: reactors and their parks → scheduler → threads; and back. Threads end only when
// the last task has ended, so no task, operation or timer outlives what it needs.
//
// What belongs to a worker stands at the worker's index in parks_, fiber_schedulers_ and starts_.
// They have room for all workers from the beginning, as spare ones come later (spare_workers.cpp).
#pragma once

#include <weft/runtime.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/fork.hpp"
#include "compute/lanes.hpp"
#include "compute/team.hpp"
#include "exec/scheduler.hpp"
#include "exec/watchdog.hpp"
#include "fiber/scheduler.hpp"
#include "os/clock.hpp"
#include "runtime/pool_lane.hpp"
#include "runtime/reactor_park.hpp"
#include "runtime/root_tasks.hpp"
#include "runtime/scoped_context.hpp"
#include "runtime/spare_workers.hpp"
#include "runtime/thread_per_core_executor.hpp"
#include "runtime/worker_core_lease.hpp"

namespace weft::inline v0_1 {

class Runtime::Impl final : private detail::SpareWorkers {
 public:
  explicit Impl(RuntimeOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] detail::RootTasks& tasks() noexcept { return *tasks_; }
  /// Relaxed: a caller that does not see the beginning of the end is refused by
  /// OwnedTasks::added().
  [[nodiscard]] bool ending() const noexcept { return ending_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t workers() const noexcept { return workers_; }
  /// Throws std::logic_error in the child of a fork().
  void require_own_process() const;
  [[nodiscard]] bool inherited() const noexcept { return forks_ != detail::ForkCount::now(); }
  /// In the child of a fork(), instead of the destructor, which would wait for threads, and for
  /// locks, of the parent. It stays reachable for leak checkers.
  static void keep_for_ever(std::unique_ptr<Impl> impl) noexcept;
  [[nodiscard]] RuntimeMetrics metrics();
  void wait(detail::SpawnedTask& task);
  [[nodiscard]] std::optional<std::chrono::nanoseconds> poll();
  [[nodiscard]] NativeHandle native_handle() const;
  void shutdown() noexcept;
  [[nodiscard]] ShutdownResult shutdown(Nanoseconds limit);

 private:
  class Clockwatch;

  /// What a worker's thread reports before it begins.
  struct Start {
    std::optional<unsigned> cpu;
    std::error_code cpu_error;
    Atomic<bool> active{true};  // of a spare worker: whether it is needed
  };

  void add_worker();
  void make_schedulers();
  [[nodiscard]] detail::Worker& worker(std::size_t index) noexcept;
  [[nodiscard]] detail::ThreadContext context(std::size_t index) noexcept;
  void start_threads();
  void run_threads();
  void work(std::size_t index) noexcept;
  [[nodiscard]] std::exception_ptr begin_work(std::size_t index) noexcept;
  void end_work(std::size_t index) noexcept;
  void report(std::exception_ptr error) noexcept;
  [[nodiscard]] bool activate_spare() noexcept override;
  void deactivate_spare() noexcept override;
  void add_spare();
  void work_as_spare(std::size_t index) noexcept;
  [[nodiscard]] bool stopped() const noexcept {
    // Acquire: pairs with stop_threads(); what came before it is seen by the ending thread.
    return stop_.load(std::memory_order_acquire);
  }
  template <class Stop>
  void drive(Stop stop) noexcept;
  void require_outside() const noexcept;
  void drive_until_empty(detail::WorkerCoreLease::Waiter& waiter,
                         const Atomic<bool>& over) noexcept;
  void end_all() noexcept;
  void stop_threads() noexcept;
  void require_stepped(const char* what) const;
  [[nodiscard]] WorkerMetrics metrics_of(std::size_t index);

  static inline constinit Impl* kept_ = nullptr;  // of the parents; used by one thread
  Impl* next_kept_ = nullptr;

  RuntimeOptions options_;
  const std::uint32_t forks_ = detail::ForkCount::now();
  const std::size_t workers_;
  const std::size_t most_spares_;
  detail::SteadyClock steady_clock_;
  detail::VirtualClock virtual_clock_;
  std::vector<std::unique_ptr<detail::ReactorPark>> parks_;
  std::vector<std::unique_ptr<detail::FiberScheduler>> fiber_schedulers_;
  std::vector<std::unique_ptr<Start>> starts_;
  // Destroyed after the schedulers, whose ends wait for threads from outside: one of those may be
  // telling it that a task of another runtime has ended here (TaskHeader::conclude_on_foreign).
  std::unique_ptr<detail::RootTasks> tasks_;
  detail::ThreadPerCoreExecutor per_core_;
  std::vector<std::unique_ptr<detail::Scheduler>> schedulers_;  // one, or one a worker
  std::unique_ptr<detail::Watchdog> watchdog_;                  // if there are several workers
  detail::Lanes lanes_;
  detail::PoolLane file_lane_{lanes_.pool(detail::Lanes::for_files)};  // outlived by the drivers
  detail::Team team_;
  detail::OtherThreads others_{lanes_, team_};
  detail::WorkerCoreLease core_lease_;  // current_thread: of the thread that runs the one worker
  Atomic<bool> stepped_{false};         // whether poll() was called; ordered by the lease
  Atomic<bool> stop_{false};
  ThreadMutex start_mutex_;
  std::size_t started_ = 0;         // workers that have begun; guarded by start_mutex_
  std::exception_ptr start_error_;  // of the first one that could not; guarded by start_mutex_
  ThreadParker all_started_;
  // One for each worker, in order. Those of spare workers are added with spares_mutex_ held.
  std::vector<std::thread> threads_;
  ThreadMutex spares_mutex_;
  ThreadMutex shutdown_mutex_;  // held for as long as a shutdown takes
  Atomic<bool> ending_{false};  // written with shutdown_mutex_ held
  bool ended_ = false;          // guarded by shutdown_mutex_
};

}  // namespace weft::inline v0_1
