// Scheduler: the executor of one runtime: its workers, what they share, and how work comes in from
// outside. Thread-safe, except construction, destruction and workers' own functions.
#pragma once

#include <weft/detail/task_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "exec/idle_set.hpp"
#include "exec/injector.hpp"
#include "exec/park.hpp"
#include "exec/priority_executor.hpp"
#include "exec/worker.hpp"

namespace weft::detail {

class Watchdog;

class Scheduler final : public TaskExecutor {
 public:
  /// One worker for each of `parks`, which must outlive the scheduler. At least one. `whole`: what
  /// this one is a part of; null: nothing.
  explicit Scheduler(const std::vector<Park*>& parks, std::size_t most_spares = 0,
                     TaskExecutor* whole = nullptr);
  /// Waits for the threads from outside that are still in here.
  ~Scheduler() override;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void schedule(Runnable& work) noexcept override;
  void defer(Runnable& work) noexcept override;
  [[nodiscard]] bool wants_offers() noexcept override;
  void offer(Runnable& work) noexcept override;
  void hold() noexcept override;
  void release() noexcept override;
  [[nodiscard]] bool claim(Runnable& work) noexcept override;
  [[nodiscard]] Runnable* defer_for_next(Runnable& work, Runnable::Run how) noexcept override;

  [[nodiscard]] TaskExecutor& whole() noexcept override {
    return whole_ != nullptr ? *whole_ : *this;
  }
  [[nodiscard]] TaskExecutor& of_priority(Priority priority) noexcept override;
  void look_again() noexcept override { unpark_all(); }

  /// How many workers there are, spares included.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load(std::memory_order_acquire);  // pairs with add_spare()
  }
  [[nodiscard]] std::size_t most() const noexcept { return workers_.size(); }
  [[nodiscard]] bool single() const noexcept { return workers_.size() == 1; }
  /// One more worker, for which IdleSet::join() is still to be called; there is room for it. One
  /// thread at a time.
  Worker& add_spare(Park& park);
  [[nodiscard]] Worker& worker(std::size_t index) noexcept { return *workers_[index]; }
  /// Ends every worker's park(), so that it asks its stop condition again.
  void unpark_all() noexcept;

  // For workers
  [[nodiscard]] Injector<Runnable>& injector() noexcept { return injector_; }
  [[nodiscard]] IdleSet& idle() noexcept { return idle_; }
  /// Before the workers run: who is to be told when one of them has woken up.
  void watched_by(Watchdog& watchdog) noexcept { watchdog_ = &watchdog; }
  void worker_woke() noexcept;
  [[nodiscard]] Injector<Runnable>& high() noexcept { return high_.queue(); }
  [[nodiscard]] Injector<Runnable>& low() noexcept { return low_.queue(); }
  /// What has run for long, and lets others go first: see SliceDetector.
  [[nodiscard]] Injector<Runnable>& demoted() noexcept { return demoted_; }
  void demote(Runnable& work) noexcept;
  /// After work was made visible: calls a sleeper, if there is one and nobody is searching.
  void wake_one() noexcept;
  /// The same after work from outside was made visible: no sleeper either while a worker looks
  /// around.
  void wake_one_from_outside() noexcept;
  /// How much waits for any worker in what is asked while looking around: what has come from
  /// outside, and has high priority. Only a hint.
  [[nodiscard]] std::size_t arrivals() noexcept { return injector_.size() + high_.queue().size(); }
  /// Takes the overflow of a worker's queue.
  void inject(IntrusiveQueue<Runnable>& batch) noexcept;
  /// One round over the other workers; see Worker.
  [[nodiscard]] Runnable* steal_for(Worker& thief) noexcept;
  [[nodiscard]] bool any_work() noexcept;

 private:
  [[nodiscard]] Runnable* steal_queued(Worker& thief) noexcept;
  /// The worker whose loop the calling thread is in, if it is one of these, or null.
  [[nodiscard]] Worker* worker_here() const noexcept;
  void wake(std::size_t index) noexcept;

  std::vector<std::unique_ptr<Worker>> workers_;  // as many as there can be; the first size_ are
  Atomic<std::size_t> size_;
  TaskExecutor* const whole_;
  Injector<Runnable> injector_;
  Injector<Runnable> demoted_;
  PriorityExecutor high_{*this, Priority::high};
  PriorityExecutor low_{*this, Priority::low};
  IdleSet idle_;
  Watchdog* watchdog_ = nullptr;
  Atomic<std::uint32_t> visitors_{0};  // threads from outside between hold() and release()
};

}  // namespace weft::detail
