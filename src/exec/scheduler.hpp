// Scheduler: the executor of one runtime: it owns the workers and their WorkerPool, and takes what
// is made runnable to the calling worker, or, from a thread outside, to the injector. Thread-safe,
// but for construction, destruction and add_spare().
#pragma once

#include <weft/detail/task_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "exec/park.hpp"
#include "exec/priority_executor.hpp"
#include "exec/worker.hpp"
#include "exec/worker_pool.hpp"

namespace weft::inline v0_1::detail {

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

  // As an executor
  void schedule(Runnable& work) noexcept override;
  void begin(Runnable& work) noexcept override;
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

  // Its workers
  [[nodiscard]] WorkerPool& pool() noexcept { return pool_; }
  [[nodiscard]] std::size_t size() const noexcept { return pool_.size(); }
  /// How many of them there are from the beginning: the first ones. The others are spare workers.
  [[nodiscard]] std::size_t permanent() const noexcept { return permanent_; }
  [[nodiscard]] Worker& worker(std::size_t index) noexcept { return *workers_[index]; }
  /// One more worker, for which IdleSet::join() is still to be called; there is room for it. One
  /// thread at a time.
  Worker& add_spare(Park& park);
  /// Ends every worker's park(), so that it evaluates its stop condition again.
  void unpark_all() noexcept { pool_.unpark_all(); }

 private:
  /// The worker whose loop the calling thread is in, if it is one of these, or null.
  [[nodiscard]] Worker* worker_here() const noexcept;

  WorkerPool pool_;
  std::vector<std::unique_ptr<Worker>> workers_;  // as many as there can be
  const std::size_t permanent_;
  TaskExecutor* const whole_;
  PriorityExecutor high_{*this, pool_, Priority::high};
  PriorityExecutor low_{*this, pool_, Priority::low};
  Atomic<std::uint32_t> outside_{0};  // threads from outside between hold() and release()
};

}  // namespace weft::inline v0_1::detail
