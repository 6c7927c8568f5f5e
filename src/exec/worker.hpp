// Worker: the loop of one thread of an executor: it finds work, runs it, and waits when there is
// none.
//
// What it is made of:
//   WorkerQueues   what is ready here, and its order              (exec/worker_queues.hpp)
//   Fairness       what the loop is due to look at next           (exec/fairness.hpp)
//   IdlePolicy     whether to spin before it parks                (exec/idle_policy.hpp)
//   WorkerPool     what it shares with the other workers          (exec/worker_pool.hpp)
//   Park           where it waits, and where events come from     (exec/park.hpp)
//
// One round of the loop runs the first work that it finds:
//   1. Work of high priority. When Fairness says that something is due, this instead: it polls the
//      park; it steals from a stalled worker; it takes a demoted task or one of low priority; it
//      asks the injector.
//   2. This worker's own queues.
//   3. Events that the park has buffered.
//   4. A share of what is in the injector.
//   5. Other workers' run queues, the injector again, then their LIFO slots.
//   6. High priority again, demoted tasks, low priority.
//   7. It spins for work from other threads, if IdlePolicy says that this pays.
//   8. It parks.
//
// A worker is stalled if its loop does not advance between two looks of another worker at it. Each
// worker looks at one other worker when it polls its park during its rounds. A worker steals from a
// stalled worker even if it has work of its own.
// A task that has run for long and comes back for more (yield_now(), a spent budget) is demoted: it
// goes on when the others here have had as much time, or when only work of low priority is left
// (exec/slice_detector.hpp). Another worker may take it, unless it is bound to this one.
//
// Thread-safety: the worker's thread alone, but for the functions that say any thread.
//
// worker.cpp: the loop and its queues. worker_steal.cpp: stealing. worker_idle.cpp: spinning and
// parking. worker_spare.cpp: handing work over, and the loop of a spare worker without work.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/task_executor.hpp>

#include <cstddef>
#include <cstdint>

#include "base/counter.hpp"
#include "exec/bound_executor.hpp"
#include "exec/fairness.hpp"
#include "exec/idle_policy.hpp"
#include "exec/park.hpp"
#include "exec/worker_pool.hpp"
#include "exec/worker_queues.hpp"
#include "task/pinned_queue.hpp"

namespace weft::inline v0_1::detail {

class Worker {
 public:
  /// `executor`: the one whose work it runs.
  Worker(WorkerPool& pool, TaskExecutor& executor, std::size_t index, Park& park) noexcept;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// The worker whose loop the calling thread is in, or null.
  [[nodiscard]] static Worker* current() noexcept;

  // The loop
  /// Runs work on the calling thread until `stop` returns true. `stop` is evaluated between two
  /// rounds; after its value has changed the park must be unparked.
  template <class Stop>
  void run_until(Stop stop) noexcept {
    Worker* const before = enter();
    while (!stop()) run_round();
    leave(before);
  }
  /// For a thread that has a loop of its own: runs what is ready, at most `most` of it, and never
  /// waits. Returns true if nothing is ready any more. The worker then counts as parked until
  /// run_ready() or run_until() is called again: work from other threads unparks it.
  [[nodiscard]] bool run_ready(std::uint32_t most) noexcept;
  /// As run_until(), for a spare worker that is not needed: runs what is bound to it, and waits in
  /// its park; hands everything else over.
  template <class Stop>
  void serve_until(Stop stop) noexcept {
    Worker* const before = enter();
    retire();
    while (!stop()) serve_round();
    rejoin();
    leave(before);
  }

  // For work that runs here
  /// Makes `work` runnable here. From within a task: next (LIFO slot). From the park: at the end.
  void schedule(Runnable& work) noexcept;
  /// Makes `work`, which never ran, runnable here: next if nothing else is ready here, else at the
  /// end. So new work begins in order, and what is joined at once may be claimed.
  void begin(Runnable& work) noexcept;
  /// Makes `work` runnable here, behind all that is ready.
  void defer(Runnable& work) noexcept;
  /// Makes `work` runnable here, or on another worker, and wakes one.
  void offer(Runnable& work) noexcept;
  /// Whether nothing is here that another worker could take.
  [[nodiscard]] bool offers_nothing() const noexcept { return queues_.offers_nothing(); }
  /// See TaskExecutor.
  [[nodiscard]] Runnable* defer_for_next(Runnable& work, Runnable::Run how) noexcept;
  /// Takes `work` out of the queues, if it is first in the run queue, or if it is in the LIFO slot
  /// and the run queue is empty. False: it is neither, bound work waits here, Fairness says that
  /// something is due, or runs are timed.
  [[nodiscard]] bool claim(Runnable& work) noexcept;
  /// The executor of what is bound to this worker. Any thread.
  [[nodiscard]] TaskExecutor& local() noexcept { return bound_executor_; }

  // For block_in_place()
  /// Hands all that other workers may run over to them. For a worker whose thread blocks, too.
  void hand_over() noexcept;
  /// The thread is about to block within a task, or has stopped to. While it is away, the watchdog
  /// polls its park.
  void set_away(bool away) noexcept { away_.store(away, std::memory_order_relaxed); }
  /// The time since the last round is not this worker's: its thread was elsewhere.
  void interrupted() noexcept { fairness_.interrupted(); }

  // Any thread
  [[nodiscard]] WorkerPool& pool() const noexcept { return pool_; }
  [[nodiscard]] TaskExecutor& executor() noexcept { return pinned_.shared(); }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] Park& park() const noexcept { return park_; }
  [[nodiscard]] bool away() const noexcept { return away_.load(std::memory_order_relaxed); }
  /// How far the loop has come, in runs and rounds that found nothing.
  [[nodiscard]] std::uint64_t ticks() const noexcept {
    return ticks_.load(std::memory_order_relaxed);
  }
  /// With several workers: the size of the run queue, plus one if the LIFO slot holds work. With
  /// one worker: the size that the run queue had at the last due look into the injector, or at the
  /// start of the last park. Bound and demoted work is not counted.
  [[nodiscard]] std::size_t depth() const noexcept;

  /// What has happened here so far: see <weft/metrics.hpp>.
  struct Counts {
    Counter empty_rounds;
    Counter steals;
    Counter injector_takes;
    Counter yields;
    Counter long_runs;
    Counter parks;
    Counter wakes;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  // For thieves: other workers' threads
  /// Whether the run queue holds work. has_any_work() looks into the LIFO slot, too.
  [[nodiscard]] bool has_stealable() const noexcept { return queues_.stealable() != 0; }
  [[nodiscard]] bool has_any_work() const noexcept {
    return has_stealable() || !queues_.lifo_empty();
  }
  /// Takes half of the run queue into `thief`'s; returns one to run, or null.
  [[nodiscard]] Runnable* steal_half(Worker& thief) noexcept {
    return queues_.steal_half(thief.queues_);
  }
  /// Takes what is in the LIFO slot, if the loop has not advanced since ticks() was `ticks`.
  [[nodiscard]] Runnable* steal_lifo(std::uint64_t ticks) noexcept {
    return this->ticks() == ticks ? queues_.steal_lifo() : nullptr;
  }
  /// The same if the loop does not advance for a moment from now on. Null as soon as `thief` has
  /// something else to take, or no patience left.
  [[nodiscard]] Runnable* steal_lifo(Worker& thief, LifoPatience& patience) noexcept;

  /// On this worker's thread: steals from one other worker's run queue; else takes from the
  /// injector; else steals from a LIFO slot. Returns one to run, or null.
  [[nodiscard]] Runnable* steal() noexcept;

 private:
  /// Of what a worker takes from the injector at once.
  static constexpr std::size_t largest_share = kRunQueueCapacity / 2;

  /// The worker's pinned queue, with what a queue has to ask its worker.
  class Pinned final : public PinnedQueue {
   public:
    Pinned(TaskExecutor& executor, Worker& worker) noexcept
        : PinnedQueue(executor), worker_(worker) {}
    [[nodiscard]] Runnable* take_fresh(Accepts accepts, const Runnable* of) noexcept override;

   private:
    void wake_owner() noexcept override;
    [[nodiscard]] bool demote(Runnable& work) noexcept override;
    Worker& worker_;
  };

  // The loop
  [[nodiscard]] Worker* enter() noexcept;
  void leave(Worker* before) noexcept;
  void run_round() noexcept;
  [[nodiscard]] Runnable* find_work(bool& recheck) noexcept;
  [[nodiscard]] Runnable* find_due(bool& recheck) noexcept;
  [[nodiscard]] Runnable* find_elsewhere(bool& recheck) noexcept;
  [[nodiscard]] Runnable* next_local() noexcept { return queues_.next(fairness_.direct_runs()); }
  void run(Runnable& work) noexcept;
  void run_timed(Runnable& work) noexcept;

  // The shared queues
  [[nodiscard]] Runnable* take_high() noexcept;
  [[nodiscard]] Runnable* take_low() noexcept;
  [[nodiscard]] Runnable* take_injected() noexcept;
  [[nodiscard]] Runnable* take_injector_share() noexcept;
  [[nodiscard]] Runnable* take_demoted() noexcept;
  [[nodiscard]] Runnable* take_demoted_or_low() noexcept;
  [[nodiscard]] bool has_demoted() const noexcept;
  [[nodiscard]] bool is_to_be_demoted() noexcept;
  [[nodiscard]] bool any_work() noexcept;
  [[nodiscard]] std::size_t arrivals() const noexcept;

  // The own queues
  void push(Runnable& work) noexcept;
  void begin_after(Runnable& previous) noexcept;
  void wake_for_surplus() noexcept;
  [[nodiscard]] bool allows_direct_run() const noexcept {
    return pinned_.empty() && fairness_.allows_direct_run();
  }

  // Stealing
  [[nodiscard]] Runnable* search() noexcept;
  [[nodiscard]] bool stop_search() noexcept;
  [[nodiscard]] Runnable* steal_queued() noexcept;
  [[nodiscard]] Runnable* steal_from_stalled() noexcept;
  void watch_next() noexcept;

  // Idle
  [[nodiscard]] Runnable* spin_for_work(bool& recheck) noexcept;
  void spin(std::int64_t limit_ns) noexcept;
  void wait_in_park() noexcept;
  [[nodiscard]] bool prepare_park() noexcept;
  void after_park() noexcept;

  // Spare
  void retire() noexcept;
  void rejoin() noexcept;
  void serve_round() noexcept;

  WorkerPool& pool_;
  Park& park_;
  const std::size_t index_;
  const bool single_;  // there are no other workers
  Pinned pinned_;
  BoundExecutor bound_executor_{pinned_};
  WorkerQueues queues_{!single_, pinned_};
  Fairness fairness_;
  IdlePolicy idle_policy_;
  struct {
    std::size_t index = 0;
    std::uint64_t ticks = 0;
  } watched_;                       // the worker that was looked at last, and its ticks() then
  Atomic<std::uint64_t> ticks_{0};  // those of fairness_, as of the last round; any thread reads
  Atomic<std::size_t> depth_{0};    // with one worker: of its run queue; any thread reads
  Atomic<bool> away_{false};        // any thread reads
  Counts counts_;
  std::uint32_t claims_ = 0;         // claim()s since the last round: ticks that are no yields
  const Runnable* begun_ = nullptr;  // was put into the LIFO slot by begin(); may be gone
  bool in_task_ = false;
  bool searching_ = false;            // counts as searching in the IdleSet
  bool parked_outside_loop_ = false;  // counts as parked, though no thread is in the park
};

}  // namespace weft::inline v0_1::detail
