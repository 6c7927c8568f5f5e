// Worker: one thread's share of an executor: a run queue, a LIFO slot, and the loop that runs,
// searches and parks.
//
// Order in which work is found: what has high priority → LIFO slot (what the last task woke; at
// most `lifo_limit` times in a row) → own queues, in turns: the one that others may steal from, and
// the pinned one, of what no other worker may run → injector → other workers' queues, their LIFO
// slots last → what has low priority → if that has paid lately, a look around for what comes from
// other threads (SpinBudget) → sleep.
// Independently of that, the injector is asked first every `injector_interval` runs (what has high
// priority is not looked for in that turn, and after eight times what has low priority comes
// first), and the park is polled every `poll_interval` runs: so nothing waits for a busy worker for
// ever. After a poll it also looks at another worker: if that one has not come back to
// its loop since the last look, what waits there behind a long run is stolen, even from here.
// A task that has run for long and comes back for more (yield_now(), a spent budget) is set back:
// it goes on when the others here have had as much time, or when there is nothing else to run but
// what has low priority (see "exec/slice_detector.hpp"); on another worker, maybe, unless it is bound to
// this one.
// Thread-safety: everything on the worker's thread, except steal functions, and unpark() of the
// park.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/task_executor.hpp>

#include <cstddef>
#include <cstdint>

#include "base/counter.hpp"
#include "base/intrusive_queue.hpp"
#include "exec/injector.hpp"
#include "exec/lifo_slot.hpp"
#include "exec/park.hpp"
#include "exec/run_queue.hpp"
#include "exec/slice_detector.hpp"
#include "exec/spin_budget.hpp"
#include "task/pinned_queue.hpp"

namespace weft::detail {

class Scheduler;

class Worker {
 public:
  /// How many pauses a thief has for all LIFO slots together: see steal_lifo().
  static constexpr int thiefs_patience = WEFT_ATOMIC_MODE == 2 ? 4 : 400;

  Worker(Scheduler& scheduler, std::size_t index, Park& park) noexcept;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// The worker whose loop the calling thread is in, or null.
  [[nodiscard]] static Worker* current() noexcept;

  /// Runs tasks on the calling thread until `stop` says so. It is asked between tasks, and the park
  /// must be unparked after its answer has changed.
  template <class Stop>
  void run_until(Stop stop) noexcept {
    Worker* const before = enter();
    while (!stop()) turn();
    leave(before);
  }

  /// For a thread that has a loop of its own: runs what is ready, at most `most` of it, and never
  /// waits. True: nothing is ready any more. Until it is called again, or run_until(), the worker
  /// then passes for asleep, so that what becomes runnable by other threads unparks it.
  [[nodiscard]] bool run_ready(std::uint32_t most) noexcept;

  /// For a worker that is in no loop for a while, or has left it for good: gives what others may
  /// run to them.
  void hand_over() noexcept;
  /// For a spare worker that is not needed: sees to what is bound to it, and to its reactor, until
  /// `stop` says so; everything else goes to others. As run_until().
  template <class Stop>
  void serve_until(Stop stop) noexcept {
    Worker* const before = enter();
    retire();
    while (!stop()) serve();
    come_back();
    leave(before);
  }
  /// The worker computes in a task, and does not come back for long, from now on: see Watchdog.
  void set_away(bool away) noexcept { away_.store(away, std::memory_order_relaxed); }
  [[nodiscard]] bool away() const noexcept { return away_.load(std::memory_order_relaxed); }
  /// The thread has been elsewhere, within a task: what that lasted is no run of this worker.
  void interrupted() noexcept { runs_.interrupted(); }

  /// The executor of what is bound to this worker, and the children it waits for.
  [[nodiscard]] TaskExecutor& local() noexcept { return local_executor_; }

  /// What has happened here so far. Any thread; see <weft/metrics.hpp>.
  struct Counts {
    Counter empty_turns;
    Counter steals;
    Counter injector_takes;
    Counter yields;
    Counter long_runs;
    Counter parks;
    Counter wakes;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  /// How much is ready here, not counting what is bound to this worker; on a single worker, when it
  /// last looked. Any thread.
  [[nodiscard]] std::size_t depth() const noexcept;

  /// Makes `work` runnable here. From within a task: next (LIFO); from the park: in its turn.
  void schedule(Runnable& work) noexcept;
  /// Makes `work` runnable here, behind all the rest.
  void defer(Runnable& work) noexcept;
  /// Makes `work` runnable here, or by another worker, which is called.
  void offer(Runnable& work) noexcept;
  /// From within a task: whether nothing is there that another worker could take.
  [[nodiscard]] bool offers_nothing() const noexcept { return nothing_ready() && lifo_.empty(); }
  /// See Executor.
  [[nodiscard]] Runnable* defer_for_next(Runnable& work, Runnable::Run how) noexcept;

  /// From within a task that is about to wait for `work`: takes it out, if it would be next, or
  /// after what that task itself has made runnable last, and the loop has nothing else to do.
  [[nodiscard]] bool take_back(Runnable& work) noexcept;

  [[nodiscard]] Scheduler& scheduler() const noexcept { return scheduler_; }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] Park& park() const noexcept { return park_; }

  /// Other workers' threads: takes half of the queue into `thief`'s and gives one to run, or null.
  [[nodiscard]] Runnable* steal_for(Worker& thief) noexcept;
  /// Other workers' threads, when everything else is empty: what stands in the LIFO slot, of who
  /// has not come back to his loop since he had made so many turns.
  [[nodiscard]] Runnable* steal_lifo(std::uint64_t turns) noexcept;
  /// The same of who does not come back for a moment from now on: mostly it is the other half of an
  /// exchange, which is best left where it is. (Go's thieves sleep for 3 us before that:
  /// runtime/proc.go, runqgrab.) `patience`: how many pauses the thief has left for all; he gives
  /// up as soon as something stands in this one's queue, or has come from outside.
  [[nodiscard]] Runnable* steal_lifo(Worker& thief, int& patience) noexcept;
  /// Any thread: whether there was anything to steal, but for the LIFO slot; and with it.
  [[nodiscard]] bool has_work() const noexcept;
  [[nodiscard]] bool has_any_work() const noexcept { return has_work() || !lifo_.empty(); }
  /// Any thread: how far the loop has come, in runs and looks for something to run.
  [[nodiscard]] std::uint64_t turns() const noexcept {
    return turns_.load(std::memory_order_relaxed);
  }

 private:
  using Queue = RunQueue<Runnable>;

  static constexpr std::uint32_t injector_interval = 61;
  static constexpr std::uint32_t poll_interval = 127;
  static constexpr std::uint32_t lifo_limit = 3;
  /// Of what a worker takes from the injector at once.
  static constexpr std::size_t largest_share = kRunQueueCapacity / 2;
  /// After so many looks into the injector, low priority comes first, if it has its share of time.
  static constexpr std::uint32_t low_interval = 8;
  /// While looking around, between two looks at the clock: so many looks, of so much time at least.
  static constexpr int looks_a_round = WEFT_ATOMIC_MODE == 2 ? 1 : 16;
  static constexpr std::int64_t least_round_ns = 50;
  /// For so many pauses a thief waits whether the owner of a LIFO slot comes to his loop: some
  /// microseconds, about as long as the theft itself takes.
  static constexpr int lifo_grace = thiefs_patience / 2;
  /// Whom he has seen come so often he leaves alone.
  static constexpr int lively = 2;
  /// What pinned work may run without coming back here, one after the other, when nothing else
  /// waits.
  static constexpr std::uint32_t direct_limit = injector_interval;

  class Pinned final : public PinnedQueue {
   public:
    Pinned(Scheduler& scheduler, Worker& worker) noexcept;
    [[nodiscard]] Runnable* take_fresh(Accepts accepts, const Runnable* of) noexcept override;

   private:
    void wake_owner() noexcept override;
    [[nodiscard]] bool demote(Runnable& work) noexcept override;
    Worker& worker_;
  };

  class Local final : public TaskExecutor {
   public:
    explicit Local(Pinned& queue) noexcept : queue_(queue) {}
    void schedule(Runnable& work) noexcept override { queue_.schedule(work); }
    void defer(Runnable& work) noexcept override { queue_.defer(work); }
    void hold() noexcept override { queue_.hold(); }
    void release() noexcept override { queue_.release(); }
    [[nodiscard]] TaskExecutor& whole() noexcept override { return queue_.whole(); }
    [[nodiscard]] bool bound() const noexcept override { return true; }
    void look_again() noexcept override { queue_.look_again(); }

   private:
    Pinned& queue_;
  };

  [[nodiscard]] Worker* enter() noexcept;
  void leave(Worker* before) noexcept;
  void turn() noexcept;
  [[nodiscard]] Runnable* find(bool& look_again) noexcept;
  [[nodiscard]] Runnable* find_due(bool& look_again) noexcept;
  [[nodiscard]] Runnable* take_high() noexcept;
  [[nodiscard]] Runnable* take_low() noexcept;
  [[nodiscard]] Runnable* take_injected() noexcept;
  [[nodiscard]] Runnable* take_share() noexcept;
  [[nodiscard]] Runnable* take_heavy() noexcept;
  [[nodiscard]] Runnable* take_demoted() noexcept;
  [[nodiscard]] bool has_demoted() const noexcept;
  [[nodiscard]] bool has_had_too_much() noexcept;
  [[nodiscard]] Runnable* find_elsewhere(bool& look_again) noexcept;
  [[nodiscard]] bool is_due(std::uint32_t at) const noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(tick_) - at) >= 0;
  }
  [[nodiscard]] bool due(std::uint32_t& at, std::uint32_t interval) noexcept;
  [[nodiscard]] Runnable* next_local() noexcept;
  [[nodiscard]] bool take_next(Runnable& work) noexcept;
  [[nodiscard]] Runnable* search() noexcept;
  void run(Runnable& work) noexcept;
  void run_timed(Runnable& work) noexcept;
  [[nodiscard]] Runnable* rescue() noexcept;
  void push(Runnable& work) noexcept;
  [[nodiscard]] Runnable* pop() noexcept { return single_ ? own_.pop_front() : local_.pop(); }
  [[nodiscard]] bool nothing_ready() const noexcept {
    return single_ ? own_.empty() : local_.empty();
  }
  /// What pinned work may run now without coming back here, as long as nothing else waits.
  [[nodiscard]] std::uint32_t direct_runs() const noexcept {
    return runs_.timed() ? 0 : direct_limit;
  }
  /// Whether the loop has nothing to do before what is ready.
  [[nodiscard]] bool nothing_due() const noexcept {
    return pinned_.empty() && !is_due(poll_at_) && !is_due(injector_at_) && !runs_.timed();
  }
  void retire() noexcept;
  void serve() noexcept;
  void come_back() noexcept;
  void share_surplus() noexcept;
  [[nodiscard]] Runnable* spin_for_work(bool& look_again) noexcept;
  void wait_for_arrivals(std::int64_t limit_ns) noexcept;
  [[nodiscard]] std::size_t arrivals() noexcept;
  void sleep() noexcept;
  [[nodiscard]] bool prepare_park() noexcept;
  void after_park() noexcept;

  Scheduler& scheduler_;
  Park& park_;
  std::size_t index_;
  const bool single_;  // there is nobody to steal: what is ready stands in own_, else in queue_
  IntrusiveQueue<Runnable> own_;
  Queue queue_;
  Queue::Local local_{queue_};
  Queue::Stealer stealer_{queue_};
  Pinned pinned_;
  Local local_executor_{pinned_};
  const Injector<Runnable>& high_;  // the scheduler's
  LifoSlot lifo_{!single_};
  std::uint64_t tick_ = 0;                         // counts runs, and looks in vain
  std::uint32_t poll_at_ = poll_interval;          // the tick at which the park is polled
  std::uint32_t injector_at_ = injector_interval;  // the tick at which the injector is asked first
  std::uint32_t lifo_streak_ = 0;
  SliceDetector runs_;
  SpinBudget spin_;
  FairShare heavy_share_;             // of what was set back, and of what has low priority
  IntrusiveQueue<Runnable> demoted_;  // of what is bound to this worker: who has run for long
  std::size_t watched_ = 0;           // the worker that was looked at last …
  std::uint64_t watched_turns_ = 0;   // … and its turns_ then
  Atomic<std::uint64_t> turns_{0};    // tick_, as others see it when the loop has come round
  Atomic<bool> away_{false};
  Atomic<std::size_t> depth_{0};  // of a single worker
  Counts counts_;
  std::uint32_t low_in_ = low_interval;
  std::uint32_t ahead_ = 0;  // of what tick_ has counted since the loop came round: by take_back()
  bool in_task_ = false;
  bool pinned_next_ = false;   // whose turn it is
  bool demoted_next_ = false;  // … among what was set back
  bool low_next_ = false;      // … between that and what has low priority
  bool runs_low_ = false;      // what has low priority
  bool resting_ = false;       // passes for asleep while nobody is in its loop
  bool searching_ = false;
};

}  // namespace weft::detail
