// The loop of a worker, and what its own tasks do to its queues.
#include "exec/worker.hpp"

#include <algorithm>
#include <utility>

#include "base/thread_context.hpp"
#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

Worker::Worker(WorkerPool& pool, TaskExecutor& executor, std::size_t index, Park& park) noexcept
    : pool_(pool),
      park_(park),
      index_(index),
      single_(pool.single()),
      pinned_(executor, *this),
      // A model has as many processors as threads, whatever it runs on.
      idle_policy_(WEFT_ATOMIC_MODE == 2 || cpu_count() > 1) {}

// The pinned queue

void Worker::Pinned::wake_owner() noexcept { worker_.park_.unpark(); }

bool Worker::Pinned::demote(Runnable& work) noexcept {
  if (!worker_.is_to_be_demoted()) return false;
  worker_.queues_.push_demoted(work);
  return true;
}

// The LIFO slot, if nothing waits behind it.
Runnable* Worker::Pinned::take_fresh(Accepts accepts, const Runnable* of) noexcept {
  WorkerQueues& queues = worker_.queues_;
  if (direct_runs_left() == 0 || !queues.queue_empty()) return nullptr;
  Runnable* const work = queues.take_lifo();
  if (work == nullptr) return nullptr;
  if (!accepts(*work, of)) {
    static_cast<void>(queues.put_lifo(*work));
    return nullptr;
  }
  restore_direct();
  return work;
}

// The loop

// Never inlined, as enter() and leave() are not: see thread_context().
[[gnu::noinline]] Worker* Worker::current() noexcept { return thread_context().worker; }

[[gnu::noinline]] Worker* Worker::enter() noexcept {
  if (std::exchange(parked_outside_loop_, false)) after_park();
  fairness_.interrupted();
  ThreadContext& here = thread_context();
  here.pinned = &pinned_;
  return std::exchange(here.worker, this);
}

[[gnu::noinline]] void Worker::leave(Worker* before) noexcept {
  ThreadContext& here = thread_context();
  here.pinned = before != nullptr ? &before->pinned_ : nullptr;
  here.worker = before;
}

/// Returns what to run next, or null. Sets `recheck` if the stop condition has to be evaluated
/// before this worker parks: the park was polled, which may have taken an unpark.
inline Runnable* Worker::find_work(bool& recheck) noexcept {
  // What bypassed the loop since the last round: yields and claims.
  if (const std::uint64_t direct = fairness_.ticks() - ticks(); direct != 0) {
    counts_.yields.add(direct - std::exchange(claims_, 0));
  }
  fairness_.begin_round(pinned_.take_direct_runs());
  // Relaxed: other threads only compare two values of it.
  ticks_.store(fairness_.ticks(), std::memory_order_relaxed);
  if (fairness_.anything_due()) [[unlikely]] {
    if (Runnable* const work = find_due(recheck)) return work;
  } else if (!pool_.high().empty()) [[unlikely]] {
    if (Runnable* const work = take_high()) return work;
  }
  if (Runnable* const work = next_local()) return work;
  return find_elsewhere(recheck);
}

void Worker::run_round() noexcept {
  bool recheck = false;
  Runnable* work = find_work(recheck);
  if (work == nullptr && !recheck) work = spin_for_work(recheck);
  if (work != nullptr) {
    run(*work);
  } else if (!recheck) {
    wait_in_park();
  }
}

bool Worker::run_ready(std::uint32_t most) noexcept {
  Worker* const before = enter();
  for (std::uint32_t runs = 0; runs < most && !parked_outside_loop_; ++runs) {
    bool recheck = false;
    if (Runnable* const work = find_work(recheck)) {
      run(*work);
    } else if (!recheck && !park_.poll_now()) {
      parked_outside_loop_ = prepare_park();
      if (!parked_outside_loop_) after_park();
    }
  }
  leave(before);
  return parked_outside_loop_;
}

/// What comes before the own queues, as it is due.
[[gnu::noinline]] Runnable* Worker::find_due(bool& recheck) noexcept {
  if (fairness_.take_poll_due()) {
    recheck = true;
    fairness_.window_ended(park_.now());
    const bool polled = park_.poll();
    wake_for_surplus();
    if (polled && !single_) {
      if (Runnable* const work = steal_from_stalled()) return work;
    }
  }
  const bool injector_due = fairness_.take_injector_due();
  if (injector_due && single_) depth_.store(queues_.list_size(), std::memory_order_relaxed);
  if (Runnable* const work = take_demoted_or_low()) return work;
  return injector_due ? take_injected() : nullptr;
}

/// What comes after the own queues, as they are empty.
[[gnu::noinline]] Runnable* Worker::find_elsewhere(bool& recheck) noexcept {
  if (park_.dispatch_buffered()) {
    recheck = true;
    wake_for_surplus();
    Runnable* const work = next_local();  // null: there may be more of them
    if (work == nullptr) counts_.empty_rounds.add();
    return work;
  }
  if (Runnable* const work = take_injector_share()) return work;
  if (Runnable* const work = search()) return work;
  // It may have come since it was looked for.
  if (Runnable* const work = take_high()) return work;
  if (Runnable* const work = take_demoted()) return work;
  if (Runnable* const work = take_low()) return work;
  counts_.empty_rounds.add();
  return nullptr;
}

void Worker::run(Runnable& work) noexcept {
  if (searching_) {
    // The last searcher stops: there may be more where this came from, for another to search.
    if (stop_search()) pool_.wake_one();
  }
  in_task_ = true;
  if (fairness_.timed()) [[unlikely]] {
    run_timed(work);
  } else {
    work.run();
  }
  in_task_ = false;
}

[[gnu::noinline]] void Worker::run_timed(Runnable& work) noexcept {
  fairness_.run_begins(park_.now());
  work.run();
  if (fairness_.charged_at_end()) fairness_.charge_end(park_.now());
  fairness_.run_ended();
}

// The shared queues

Runnable* Worker::take_injected() noexcept {
  Runnable* const work = pool_.injector().pop();
  if (work != nullptr) counts_.injector_takes.add();
  return work;
}

/// Moves this worker's share of the injector into its own queue, which is empty, so that not each
/// task costs the injector's lock (Go's globrunqget). Returns one to run.
[[gnu::noinline]] Runnable* Worker::take_injector_share() noexcept {
  Injector<Runnable>& injector = pool_.injector();
  IntrusiveQueue<Runnable> share;
  const std::size_t workers = pool_.size();
  const std::size_t fair = (injector.size() + workers - 1) / workers;
  if (injector.pop(std::min(fair, largest_share), share) == 0) return nullptr;
  counts_.injector_takes.add();
  Runnable* const first = share.pop_front();
  if (share.empty()) return first;
  while (Runnable* const work = share.pop_front()) push(*work);
  // The workers that were woken for the rest may have found the injector empty.
  if (!single_) pool_.wake_one();
  return first;
}

[[gnu::noinline]] Runnable* Worker::take_high() noexcept {
  Runnable* const work = pool_.high().pop();
  if (work != nullptr) counts_.injector_takes.add();
  return work;
}

[[gnu::noinline]] Runnable* Worker::take_low() noexcept {
  Runnable* const work = pool_.low().pop();
  if (work == nullptr) return nullptr;
  counts_.injector_takes.add();
  fairness_.low_taken();
  return work;
}

bool Worker::has_demoted() const noexcept {
  return queues_.has_demoted() || !pool_.demoted().empty();
}

/// Bound to this worker or not, in turns.
Runnable* Worker::take_demoted() noexcept {
  Runnable* work = fairness_.bound_demoted_has_turn() ? queues_.pop_demoted() : nullptr;
  if (work == nullptr) {
    work = pool_.demoted().pop();
    if (work != nullptr) counts_.injector_takes.add();
  }
  if (work == nullptr) work = queues_.pop_demoted();
  if (work != nullptr) fairness_.demoted_taken();
  return work;
}

/// One of these, if all other work has had its share of the time.
Runnable* Worker::take_demoted_or_low() noexcept {
  const bool low = fairness_.low_is_due() && !pool_.low().empty();
  const bool demoted = has_demoted();
  if ((!low && !demoted) || !fairness_.share_is_due(park_.now())) return nullptr;
  return fairness_.low_has_turn(low, demoted) ? take_low() : take_demoted();
}

/// Of a task that comes back for more: whether it has run for long, and other work waits here.
[[gnu::noinline]] bool Worker::is_to_be_demoted() noexcept {
  if (!fairness_.timed() || !in_task_) return false;
  if (!fairness_.charge_long_run(park_.now())) return false;
  if (offers_nothing() && pinned_.empty()) return false;
  counts_.long_runs.add();
  return true;
}

/// After this worker stopped searching, or counts as idle: whether there is work that may have
/// woken no worker.
bool Worker::any_work() noexcept {
  atomic_fence(std::memory_order_seq_cst);  // pairs with the fence in IdleSet::worker_to_wake()
  if (!pool_.injector().empty() || !pool_.high().empty() || !pool_.demoted().empty() ||
      !pool_.low().empty()) {
    return true;
  }
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    if (pool_.worker(i).has_stealable()) return true;
  }
  return false;
}

// The own queues

bool Worker::claim(Runnable& work) noexcept {
  if (!allows_direct_run() || !queues_.take_if_next(work)) return false;
  fairness_.count_direct_run();
  ++claims_;
  return true;
}

void Worker::schedule(Runnable& work) noexcept {
  pinned_.revoke_direct();
  if (!in_task_) {
    push(work);  // wake_for_surplus() follows, once for all that the park brings
    return;
  }
  Runnable* const previous = queues_.put_lifo(work);
  if (previous == nullptr) return;
  push(*previous);
  // Two wait behind the task that is running: one too many for this worker.
  if (!single_) pool_.wake_one();
}

void Worker::begin(Runnable& work) noexcept {
  pinned_.revoke_direct();
  if (in_task_ && queues_.queue_empty()) {
    Runnable* const previous = queues_.put_lifo(work);
    if (previous != nullptr) [[unlikely]]
      return begin_after(*previous);
    begun_ = &work;
    return;
  }
  push(work);
  if (in_task_ && !single_) pool_.wake_one();
}

/// The slot holds new work, and has held `previous`: what has begun before goes first, and what was
/// woken stays the next.
[[gnu::noinline]] void Worker::begin_after(Runnable& previous) noexcept {
  Runnable* const work = queues_.take_lifo();  // null: another worker has it already
  if (&previous == begun_) {
    push(previous);
  } else {
    static_cast<void>(queues_.put_lifo(previous));
  }
  if (work != nullptr) push(*work);
  if (!single_) pool_.wake_one();
}

void Worker::defer(Runnable& work) noexcept {
  counts_.yields.add();
  pinned_.revoke_direct();
  if (fairness_.timed() && is_to_be_demoted()) [[unlikely]] {
    pool_.demote(work);
    return;
  }
  push(work);
  wake_for_surplus();
}

void Worker::offer(Runnable& work) noexcept {
  pinned_.revoke_direct();
  push(work);
  if (!single_) pool_.wake_one();
}

Runnable* Worker::defer_for_next(Runnable& work, Runnable::Run how) noexcept {
  if (allows_direct_run() && queues_.lifo_empty()) {
    if (Runnable* const next = queues_.pop()) {
      pinned_.revoke_direct();
      push(work);
      if (next->runs(how)) {
        fairness_.count_direct_run();
        return next;
      }
      static_cast<void>(queues_.put_lifo(*next));  // it is what the loop runs next
      return nullptr;
    }
  }
  defer(work);
  return nullptr;
}

void Worker::push(Runnable& work) noexcept {
  while (!queues_.push(work)) {
    IntrusiveQueue<Runnable> spilled;
    if (queues_.take_half(spilled)) pool_.inject(spilled);
  }
}

// Work that this worker can run next by itself is not worth another's wake-up.
void Worker::wake_for_surplus() noexcept {
  if (queues_.has_surplus()) pool_.wake_one();
}

std::size_t Worker::depth() const noexcept {
  if (single_) return depth_.load(std::memory_order_relaxed);
  return queues_.stealable() + (queues_.lifo_empty() ? 0 : 1);
}

}  // namespace weft::inline v0_1::detail
