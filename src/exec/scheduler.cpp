#include "exec/scheduler.hpp"

#include "base/check.hpp"
#include "base/yield_hint.hpp"
#include "exec/watchdog.hpp"

namespace weft::detail {

Scheduler::Scheduler(const std::vector<Park*>& parks, std::size_t most_spares, TaskExecutor* whole)
    : workers_(parks.size() + most_spares),
      size_(parks.size()),
      whole_(whole),
      idle_(parks.size(), parks.size() + most_spares) {
  WEFT_CHECK(!parks.empty(), "a scheduler needs at least one worker");
  if (!single()) idle_hint_ = IdleHint(idle_.counts());
  high_.take_idle_hint();
  low_.take_idle_hint();
  for (std::size_t i = 0; i < parks.size(); ++i) {
    workers_[i] = std::make_unique<Worker>(*this, i, *parks[i]);
  }
}

Worker& Scheduler::add_spare(Park& park) {
  const std::size_t index = size();
  workers_[index] = std::make_unique<Worker>(*this, index, park);
  size_.store(index + 1, std::memory_order_release);
  return *workers_[index];
}

TaskExecutor& Scheduler::of_priority(Priority priority) noexcept {
  if (priority == Priority::normal) return *this;
  return priority == Priority::high ? high_ : low_;
}

Scheduler::~Scheduler() {
  // Acquire: pairs with release(). They are few instructions from their end, unless the system has
  // paused them.
  while (visitors_.load(std::memory_order_acquire) != 0) yield_hint();
}

Worker* Scheduler::worker_here() const noexcept {
  Worker* const worker = Worker::current();
  return worker != nullptr && &worker->scheduler() == this ? worker : nullptr;
}

void Scheduler::hold() noexcept {
  if (worker_here() != nullptr) return;  // workers end before their scheduler
  // Relaxed: what lets the runtime end comes later, and is ordered by the queue that the work went
  // through.
  visitors_.fetch_add(1, std::memory_order_relaxed);
}

void Scheduler::release() noexcept {
  if (worker_here() == nullptr) visitors_.fetch_sub(1, std::memory_order_release);
}

void Scheduler::schedule(Runnable& work) noexcept {
  if (Worker* const worker = worker_here()) {
    worker->schedule(work);
    return;
  }
  // Once pushed, the work may run, end the last task and let the runtime go before this thread is
  // out of here.
  hold();
  WEFT_CHECK(injector_.push(&work), "a task was made runnable after its runtime had ended");
  wake_one_from_outside();
  release();
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
  return worker != nullptr && worker->take_back(work);
}

Runnable* Scheduler::defer_for_next(Runnable& work, Runnable::Run how) noexcept {
  if (Worker* const worker = worker_here()) return worker->defer_for_next(work, how);
  schedule(work);
  return nullptr;
}

void Scheduler::inject(IntrusiveQueue<Runnable>& batch) noexcept {
  WEFT_CHECK(injector_.push(batch), "a task was made runnable after its runtime had ended");
}

void Scheduler::demote(Runnable& work) noexcept {
  WEFT_CHECK(demoted_.push(&work), "a scheduler's queue of what is late is never closed");
  wake_one();
}

void Scheduler::wake_one() noexcept { wake(idle_.worker_to_wake()); }

void Scheduler::wake_one_from_outside() noexcept { wake(idle_.worker_to_wake_from_outside()); }

void Scheduler::wake(std::size_t index) noexcept {
  if (index != IdleSet::none) workers_[index]->park().unpark();
}

void Scheduler::unpark_all() noexcept {
  for (std::size_t i = 0; i < size(); ++i) workers_[i]->park().unpark();
}

void Scheduler::worker_woke() noexcept {
  if (watchdog_ != nullptr) watchdog_->worker_woke();
}

Runnable* Scheduler::steal_queued(Worker& thief) noexcept {
  const std::size_t workers = size();
  // From a neighbour on, so that not all thieves begin with the same victim.
  for (std::size_t step = 1; step < workers; ++step) {
    Worker& victim = *workers_[(thief.index() + step) % workers];
    if (Runnable* const work = victim.steal_for(thief)) return work;
  }
  return injector_.pop();
}

Runnable* Scheduler::steal_for(Worker& thief) noexcept {
  if (Runnable* const work = steal_queued(thief)) return work;
  int patience = Worker::thiefs_patience;
  bool tried = false;
  const std::size_t workers = size();
  for (std::size_t step = 1; step < workers; ++step) {
    Worker& victim = *workers_[(thief.index() + step) % workers];
    if (!victim.has_any_work()) continue;
    tried = true;
    if (Runnable* const work = victim.steal_lifo(thief, patience)) return work;
  }
  // Nobody else was called for what came meanwhile.
  return tried ? steal_queued(thief) : nullptr;
}

bool Scheduler::any_work() noexcept {
  atomic_fence(std::memory_order_seq_cst);  // pairs with the fence in IdleSet::worker_to_wake()
  if (!injector_.empty() || !high().empty() || !demoted_.empty() || !low().empty()) return true;
  for (std::size_t i = 0; i < size(); ++i) {
    if (workers_[i]->has_work()) return true;
  }
  return false;
}

}  // namespace weft::detail
