// Machine: one runtime from the inside: reactors, executor, the outermost scope, worker threads.
// The only place that joins them.
//
// Order of life: reactors and their parks → scheduler → threads; and back. Threads end only when
// the last task has ended, so no task, operation or timer outlives what it needs.
#pragma once

#include <weft/runtime.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "exec/blocking_pool.hpp"
#include "exec/scheduler.hpp"
#include "exec/team.hpp"
#include "exec/watchman.hpp"
#include "fiber/hub.hpp"
#include "os/clock.hpp"
#include "reactor/reactor.hpp"
#include "runtime/failure_report.hpp"
#include "runtime/seat.hpp"
#include "task/task_count.hpp"

namespace weft {

/// What else computes for a runtime: while it does, virtual time stands still.
class OtherThreads {
 public:
  OtherThreads(const BlockingPool& blocking, const Team& team) noexcept
      : blocking_(blocking), team_(team) {}
  /// How much they have begun; nothing, if some of it has not ended. Whoever sees all ended also
  /// sees what that has made runnable.
  [[nodiscard]] std::optional<std::uint64_t> all_ended() const noexcept;

 private:
  const BlockingPool& blocking_;
  const Team& team_;
};

/// A worker's place to wait: its reactor.
class ReactorPark final : public Park {
 public:
  ReactorPark(std::unique_ptr<Driver> driver, Clock& clock) noexcept
      : reactor_(std::move(driver), clock) {}

  void park() noexcept override {
    if (virtual_clock_ == nullptr) {
      reactor_.turn(-1);
    } else if (!skip()) {
      reactor_.turn(timeout());
    }
  }
  /// How long a park() would last at most, in nanoseconds; negative: without end.
  [[nodiscard]] std::int64_t timeout() noexcept {
    if (virtual_clock_ == nullptr || quiet_since_) return reactor_.timeout();
    // Others compute. Who has ended wakes the worker before it counts as ended, and not again.
    return busy_look_ns;
  }
  /// From now on time passes only by being skipped, when the worker would wait for it.
  void skip_time_of(VirtualClock& clock, const OtherThreads& others) noexcept {
    virtual_clock_ = &clock;
    others_ = &others;
  }
  [[nodiscard]] bool skip() noexcept;
  bool poll() noexcept override;
  [[nodiscard]] bool collect() noexcept override {
    return reactor_.turn(0) != 0 || reactor_.more();
  }
  [[nodiscard]] bool deliver() noexcept override { return reactor_.deliver(); }
  [[nodiscard]] std::optional<Visited> visit() noexcept override;
  void unpark() noexcept override { reactor_.wake(); }
  [[nodiscard]] Reactor& reactor() noexcept { return reactor_; }

 private:
  /// A system call costs as much as a hundred short runs: polls come no closer than this.
  static constexpr std::int64_t poll_distance_ns = 50'000;
  static constexpr std::int64_t busy_look_ns = 1'000'000;

  Reactor reactor_;
  std::int64_t polled_at_ = 0;
  VirtualClock* virtual_clock_ = nullptr;
  const OtherThreads* others_ = nullptr;
  std::optional<std::uint64_t> quiet_since_;  // what others_ had begun and ended a park ago
};

/// The outermost scope: owner of every task that has no other.
class RootTasks final : public TaskSet {
 public:
  RootTasks(Executor& executor, std::size_t workers, FailureHandler on_failure)
      : TaskSet(executor),
        count_(workers),
        handler_(std::make_shared<const FailureHandler>(
            on_failure ? std::move(on_failure) : FailureHandler(&report_failure))) {}

  [[nodiscard]] std::shared_ptr<const FailureHandler> failure_handler() const noexcept override {
    return handler_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return count_.living(); }
  /// If there is no task, takes none any more, and gives true.
  [[nodiscard]] bool close_if_empty() noexcept { return count_.close_if_none(); }
  /// Waits, on a thread that is no worker, until there is no task, and takes none any more.
  void close_when_empty() noexcept;

  /// Where the calling thread counts: as one worker of one runtime, or nowhere.
  struct Counter {
    const RootTasks* tasks = nullptr;
    TaskCount::Tally* tally = nullptr;
  };
  [[nodiscard]] Counter counter(std::size_t worker) noexcept {
    return {this, &count_.of_worker(worker)};
  }
  static Counter make_current(Counter counter) noexcept;

 private:
  void added() override { count_.begin(tally_here()); }
  [[nodiscard]] bool ended() noexcept override { return count_.end(tally_here()); }
  void removed(bool) noexcept override { emptied_.unpark(); }
  [[nodiscard]] TaskCount::Tally* tally_here() const noexcept;

  TaskCount count_;
  std::shared_ptr<const FailureHandler> handler_;
  ThreadParker emptied_;
};

class Runtime::Machine {
 public:
  explicit Machine(RuntimeOptions options);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] RootTasks& tasks() noexcept { return *tasks_; }
  /// Relaxed: who asks while it begins finds out in TaskSet::add().
  [[nodiscard]] bool ending() const noexcept { return ending_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t workers() const noexcept { return scheduler_->size(); }
  void wait(SpawnedTask& task);
  [[nodiscard]] std::optional<std::chrono::nanoseconds> poll();
  [[nodiscard]] NativeHandle native_handle() const;
  void shutdown() noexcept;

 private:
  class ThreadContext;

  void start_threads();
  void work(std::size_t index) noexcept;
  template <class Stop>
  void drive(Stop stop) noexcept;
  void stop_threads() noexcept;
  void require_stepped(const char* what) const;

  RuntimeOptions options_;
  SteadyClock steady_clock_;
  VirtualClock virtual_clock_;
  std::vector<std::unique_ptr<ReactorPark>> parks_;
  std::vector<std::unique_ptr<FiberHub>> hubs_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Watchman> watchman_;  // if there is somebody else to do a stuck worker's part
  std::unique_ptr<RootTasks> tasks_;
  BlockingPool blocking_;
  Team team_;
  OtherThreads others_{blocking_, team_};
  Seat seat_;                    // current_thread: whoever runs the one worker has it
  Atomic<bool> stepped_{false};  // relaxed: ordered by the seat
  Atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
  ThreadMutex shutdown_mutex_;  // held for as long as it takes; written with it held:
  Atomic<bool> ending_{false};
};

}  // namespace weft
