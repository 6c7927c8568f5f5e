#include "exec/scheduler.hpp"

#include "base/check.hpp"
#include "base/yield_hint.hpp"

namespace weft::inline v0_1::detail {

Scheduler::Scheduler(const std::vector<Park*>& parks, std::size_t most_spares, TaskExecutor* whole)
    : pool_(parks.size(), parks.size() + most_spares),
      workers_(parks.size() + most_spares),
      permanent_(parks.size()),
      whole_(whole) {
  WEFT_CHECK(!parks.empty(), "a scheduler needs at least one worker");
  if (!pool_.single()) idle_hint_ = IdleHint(pool_.idle().counts());
  high_.take_idle_hint();
  low_.take_idle_hint();
  for (Park* const park : parks) add_spare(*park);
}

Worker& Scheduler::add_spare(Park& park) {
  const std::size_t index = size();
  workers_[index] = std::make_unique<Worker>(pool_, *this, index, park);
  pool_.add(*workers_[index], park);
  return *workers_[index];
}

Scheduler::~Scheduler() {
  // Acquire: pairs with release(). Those threads are few instructions from their end, unless the
  // system has paused them.
  while (outside_.load(std::memory_order_acquire) != 0) yield_hint();
}

TaskExecutor& Scheduler::of_priority(Priority priority) noexcept {
  if (priority == Priority::normal) return *this;
  return priority == Priority::high ? high_ : low_;
}

Worker* Scheduler::worker_here() const noexcept {
  Worker* const worker = Worker::current();
  return worker != nullptr && &worker->pool() == &pool_ ? worker : nullptr;
}

void Scheduler::hold() noexcept {
  if (worker_here() != nullptr) return;  // workers end before their scheduler
  // Relaxed: what lets the runtime end comes later, and is ordered by the queue that the work went
  // through.
  outside_.fetch_add(1, std::memory_order_relaxed);
}

void Scheduler::release() noexcept {
  if (worker_here() == nullptr) outside_.fetch_sub(1, std::memory_order_release);
}

void Scheduler::schedule(Runnable& work) noexcept {
  if (Worker* const worker = worker_here()) {
    worker->schedule(work);
    return;
  }
  // Once pushed, the work may run, end the last task and let the runtime go before this thread is
  // out of here.
  hold();
  WEFT_CHECK(pool_.injector().push(&work), "a task was made runnable after its runtime had ended");
  pool_.wake_one_from_outside();
  release();
}

void Scheduler::begin(Runnable& work) noexcept {
  if (Worker* const worker = worker_here()) {
    worker->begin(work);
  } else {
    schedule(work);
  }
}

void Scheduler::defer(Runnable& work) noexcept {
  if (Worker* const worker = worker_here()) {
    worker->defer(work);
  } else {
    schedule(work);
  }
}

bool Scheduler::wants_offers() noexcept {
  Worker* const worker = worker_here();
  return worker != nullptr && has_idle_threads() && worker->offers_nothing();
}

void Scheduler::offer(Runnable& work) noexcept {
  if (Worker* const worker = worker_here()) {
    worker->offer(work);
  } else {
    schedule(work);
  }
}

bool Scheduler::claim(Runnable& work) noexcept {
  Worker* const worker = worker_here();
  return worker != nullptr && worker->claim(work);
}

Runnable* Scheduler::defer_for_next(Runnable& work, Runnable::Run how) noexcept {
  if (Worker* const worker = worker_here()) return worker->defer_for_next(work, how);
  schedule(work);
  return nullptr;
}

}  // namespace weft::inline v0_1::detail
