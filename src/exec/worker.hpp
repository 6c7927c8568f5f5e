// Worker: one thread's share of an executor: a run queue, a LIFO slot, and the loop that runs,
// searches and parks.
//
// Order in which work is found: LIFO slot (what the last task woke; at most `lifo_limit` times in a
// row) → own queues, in turns: the one that others may steal from, and the pinned one, of what no
// other worker may run → injector → other workers' queues, their LIFO slots last → sleep.
// Independently of that, the injector is asked first every `injector_interval` runs and the park is
// polled every `poll_interval` runs, so that neither work from outside nor I/O waits for a busy
// worker for ever. After a poll it also looks at another worker: if that one has not come back to
// its loop since the last look, what waits there behind a long run is stolen, even from here.
// Thread-safety: everything on the worker's thread, except steal functions, and unpark() of the
// park.
#pragma once

#include <weft/atomic.hpp>
#include <weft/runnable.hpp>

#include <cstddef>
#include <cstdint>

#include "base/intrusive_queue.hpp"
#include "exec/park.hpp"
#include "exec/run_queue.hpp"
#include "task/local_queue.hpp"

namespace weft {

class Scheduler;

class Worker {
 public:
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

  /// Makes `work` runnable here. From within a task: next (LIFO); from the park: in its turn.
  void schedule(Runnable& work) noexcept;
  /// Makes `work` runnable here, behind all the rest.
  void defer(Runnable& work) noexcept;
  /// See Executor.
  [[nodiscard]] Runnable* defer_for_next(Runnable& work, Runnable::Run how) noexcept;

  /// From within a task: takes `work` back, if it would run next when that task comes back, and
  /// the loop has nothing else to do meanwhile.
  [[nodiscard]] bool take_back(Runnable& work) noexcept;

  [[nodiscard]] Scheduler& scheduler() const noexcept { return scheduler_; }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] Park& park() const noexcept { return park_; }

  /// Other workers' threads: takes half of the queue into `thief`'s and gives one to run, or null.
  [[nodiscard]] Runnable* steal_for(Worker& thief) noexcept;
  /// Other workers' threads: the LIFO slot, when everything else is empty.
  [[nodiscard]] Runnable* steal_lifo() noexcept;
  /// Any thread: whether there was anything to steal, but for the LIFO slot; and with it.
  [[nodiscard]] bool has_work() const noexcept;
  [[nodiscard]] bool has_any_work() const noexcept {
    return has_work() || lifo_.load(std::memory_order_relaxed) != nullptr;
  }
  /// Any thread: how far the loop has come, in runs and looks for something to run.
  [[nodiscard]] std::uint64_t turns() const noexcept {
    return turns_.load(std::memory_order_relaxed);
  }

 private:
  using Queue = RunQueue<Runnable>;

  static constexpr std::uint32_t injector_interval = 61;
  static constexpr std::uint32_t poll_interval = 127;
  static constexpr std::uint32_t lifo_limit = 3;
  /// What pinned work may run without coming back here, one after the other, when nothing else
  /// waits.
  static constexpr std::uint32_t direct_limit = injector_interval;

  class Pinned final : public LocalQueue {
   public:
    Pinned(Scheduler& scheduler, Worker& worker) noexcept;
    [[nodiscard]] Runnable* take_fresh(Accepts accepts, const Runnable* of) noexcept override;

   private:
    void wake_owner() noexcept override;
    Worker& worker_;
  };

  static Worker* make_current(Worker* worker) noexcept;
  [[nodiscard]] Worker* enter() noexcept;
  void leave(Worker* before) noexcept;
  void turn() noexcept;
  [[nodiscard]] Runnable* find(bool& look_again) noexcept;
  [[nodiscard]] Runnable* find_due(bool& look_again) noexcept;
  [[nodiscard]] Runnable* find_elsewhere(bool& look_again) noexcept;
  [[nodiscard]] bool is_due(std::uint32_t at) const noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(tick_) - at) >= 0;
  }
  [[nodiscard]] bool due(std::uint32_t& at, std::uint32_t interval) noexcept;
  [[nodiscard]] Runnable* next_local() noexcept;
  [[nodiscard]] Runnable* take_lifo() noexcept;
  [[nodiscard]] Runnable* search() noexcept;
  void run(Runnable& work) noexcept;
  [[nodiscard]] Runnable* rescue() noexcept;
  void push(Runnable& work) noexcept;
  [[nodiscard]] Runnable* pop() noexcept { return single_ ? own_.pop_front() : local_.pop(); }
  [[nodiscard]] bool nothing_ready() const noexcept {
    return single_ ? own_.empty() : local_.empty();
  }
  /// Whether the loop has nothing to do before what is ready.
  [[nodiscard]] bool nothing_due() const noexcept {
    return pinned_.empty() && !is_due(poll_at_) && !is_due(injector_at_);
  }
  void share_surplus() noexcept;
  void sleep() noexcept;
  [[nodiscard]] bool lie_down() noexcept;
  void get_up() noexcept;

  Scheduler& scheduler_;
  Park& park_;
  std::size_t index_;
  const bool single_;  // there is nobody to steal: what is ready stands in own_, else in queue_
  IntrusiveQueue<Runnable> own_;
  Queue queue_;
  Queue::Local local_{queue_};
  Queue::Stealer stealer_{queue_};
  Pinned pinned_;
  // Written by the owner; taken by the owner or a thief, by exchange (a plain store when there are
  // no thieves).
  Atomic<Runnable*> lifo_{nullptr};
  std::uint64_t tick_ = 0;                         // counts runs, and looks in vain
  std::uint32_t poll_at_ = poll_interval;          // the tick at which the park is polled
  std::uint32_t injector_at_ = injector_interval;  // the tick at which the injector is asked first
  std::uint32_t lifo_streak_ = 0;
  std::size_t watched_ = 0;          // the worker that was looked at last …
  std::uint64_t watched_turns_ = 0;  // … and its turns_ then
  Atomic<std::uint64_t> turns_{0};   // tick_, as others see it when the loop has come round
  bool in_task_ = false;
  bool pinned_next_ = false;  // whose turn it is
  bool resting_ = false;      // passes for asleep while nobody is in its loop
  bool searching_ = false;
};

}  // namespace weft
