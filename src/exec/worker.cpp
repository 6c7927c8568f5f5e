#include "exec/worker.hpp"

#include <utility>

#include "exec/scheduler.hpp"

namespace weft {

namespace {

constinit thread_local Worker* current_worker = nullptr;

}  // namespace

Worker::Worker(Scheduler& scheduler, std::size_t index, Park& park) noexcept
    : scheduler_(scheduler), park_(park), index_(index), pinned_(scheduler, *this) {}

Worker::Pinned::Pinned(Scheduler& scheduler, Worker& worker) noexcept
    : LocalQueue(scheduler), worker_(worker) {}

void Worker::Pinned::wake_owner() noexcept { worker_.park_.unpark(); }

// The LIFO slot, if nothing waits behind it.
Runnable* Worker::Pinned::take_fresh(Accepts accepts, const Runnable* of) noexcept {
  if (direct_runs_left() == 0 || worker_.local_.size() != 0) return nullptr;
  Runnable* const work = worker_.take_lifo();
  if (work == nullptr) return nullptr;
  if (!accepts(*work, of)) {
    // Release: as in schedule(). Nobody else puts anything in.
    worker_.lifo_.store(work, std::memory_order_release);
    return nullptr;
  }
  restore_direct();
  return work;
}

// Never inlined: a compiler may keep the address of a thread_local over a suspension, after which
// the coroutine may be on another thread.
[[gnu::noinline]] Worker* Worker::current() noexcept { return current_worker; }

[[gnu::noinline]] Worker* Worker::make_current(Worker* worker) noexcept {
  return std::exchange(current_worker, worker);
}

Worker* Worker::enter() noexcept {
  if (std::exchange(resting_, false)) get_up();
  LocalQueue::make_current(&pinned_);
  return make_current(this);
}

void Worker::leave(Worker* before) noexcept {
  LocalQueue::make_current(before != nullptr ? &before->pinned_ : nullptr);
  make_current(before);
}

bool Worker::due(std::uint32_t& at, std::uint32_t interval) noexcept {
  if (!is_due(at)) return false;
  at = tick_ + interval;
  return true;
}

void Worker::turn() noexcept {
  bool look_again = false;
  if (Runnable* const work = find(look_again)) {
    run(*work);
  } else if (!look_again) {
    sleep();
  }
}

/// What to run next, or null; `look_again`: events came for which nothing waited, or an unpark may
/// have been taken, and the stop condition is to be asked first.
Runnable* Worker::find(bool& look_again) noexcept {
  tick_ += 1 + pinned_.take_direct_runs();
  if (due(poll_at_, poll_interval)) {
    look_again = true;
    park_.poll();
    share_surplus();
  }
  Runnable* work = due(injector_at_, injector_interval) ? scheduler_.injector().pop() : nullptr;
  if (work == nullptr) work = next_local();
  if (work == nullptr && park_.deliver()) {
    look_again = true;
    share_surplus();
    work = next_local();
    if (work == nullptr) return nullptr;  // there may be more of them
  }
  if (work == nullptr) work = scheduler_.injector().pop();
  if (work == nullptr) work = search();
  return work;
}

bool Worker::run_ready(std::uint32_t most) noexcept {
  Worker* const before = enter();
  for (std::uint32_t runs = 0; runs < most && !resting_; ++runs) {
    bool look_again = false;
    if (Runnable* const work = find(look_again)) {
      run(*work);
    } else if (!look_again && !park_.collect()) {
      resting_ = lie_down();
      if (!resting_) get_up();
    }
  }
  leave(before);
  return resting_;
}

void Worker::run(Runnable& work) noexcept {
  if (searching_) {
    searching_ = false;
    // The last searcher leaves: if there is more where this came from, somebody should look for it.
    if (scheduler_.idle().stop_search()) scheduler_.wake_one();
  }
  in_task_ = true;
  work.run();
  in_task_ = false;
}

Runnable* Worker::take_lifo() noexcept {
  // Relaxed: null means that a thief took it or nothing was put in, and only the owner puts in.
  if (lifo_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  if (scheduler_.single()) {
    Runnable* const work = lifo_.load(std::memory_order_relaxed);
    lifo_.store(nullptr, std::memory_order_relaxed);
    return work;
  }
  // Relaxed: what the owner takes back it wrote itself.
  return lifo_.exchange(nullptr, std::memory_order_relaxed);
}

Runnable* Worker::next_local() noexcept {
  if (lifo_streak_ < lifo_limit) {
    if (Runnable* const work = take_lifo()) {
      ++lifo_streak_;
      return work;
    }
  }
  lifo_streak_ = 0;
  pinned_next_ = !pinned_next_;
  if (pinned_next_) {
    const bool alone = local_.size() == 0;
    if (Runnable* const work = pinned_.pop(alone ? direct_limit : 0)) return work;
  }
  if (Runnable* const work = local_.pop()) return work;
  if (Runnable* const work = pinned_.pop(direct_limit)) return work;
  return take_lifo();
}

bool Worker::take_back(Runnable& work) noexcept {
  // Relaxed: if it is there then this thread has put it there, and nobody has taken it yet.
  if (lifo_.load(std::memory_order_relaxed) != &work) return false;
  if (local_.size() != 0 || !pinned_.empty() || is_due(poll_at_) || is_due(injector_at_)) {
    return false;
  }
  if (take_lifo() == nullptr) return false;  // a thief was faster
  ++tick_;
  return true;
}

void Worker::schedule(Runnable& work) noexcept {
  pinned_.revoke_direct();
  if (!in_task_) {
    push(work);  // share_surplus() follows, once for all that the park brings
    return;
  }
  if (scheduler_.single()) {
    Runnable* const previous = lifo_.load(std::memory_order_relaxed);
    lifo_.store(&work, std::memory_order_relaxed);
    if (previous != nullptr) push(*previous);
    return;
  }
  // Release: a thief who takes it sees the task as its last thread left it.
  Runnable* const previous = lifo_.exchange(&work, std::memory_order_acq_rel);
  if (previous == nullptr) return;
  push(*previous);
  scheduler_.wake_one();  // two wait behind the task that is running: one too many for this worker
}

void Worker::defer(Runnable& work) noexcept {
  pinned_.revoke_direct();
  push(work);
  share_surplus();
}

void Worker::push(Runnable& work) noexcept {
  while (!local_.push(&work)) {
    IntrusiveQueue<Runnable> spilled;
    if (local_.take_half(spilled) != 0) scheduler_.inject(spilled);
  }
}

// What this worker can run next by itself is not worth another's wake-up.
void Worker::share_surplus() noexcept {
  if (!scheduler_.single() && local_.size() > 1) scheduler_.wake_one();
}

Runnable* Worker::search() noexcept {
  if (scheduler_.single()) return nullptr;
  if (!searching_) searching_ = scheduler_.idle().start_search();
  return searching_ ? scheduler_.steal_for(*this) : nullptr;
}

Runnable* Worker::steal_for(Worker& thief) noexcept { return stealer_.steal_into(thief.local_); }

Runnable* Worker::steal_lifo() noexcept {
  // Acquire: pairs with schedule().
  if (lifo_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  return lifo_.exchange(nullptr, std::memory_order_acquire);
}

bool Worker::has_work() const noexcept { return !stealer_.empty(); }

/// From here on the worker passes for asleep. False: something became runnable for it just before.
bool Worker::lie_down() noexcept {
  scheduler_.idle().sleep(index_, searching_);
  searching_ = false;
  // Work that became visible before this worker was seen asleep has called nobody: see IdleSet.
  if (scheduler_.any_work()) scheduler_.wake_one();
  return pinned_.prepare_sleep();
}

void Worker::get_up() noexcept {
  pinned_.awake();
  searching_ = scheduler_.idle().awake(index_);
}

void Worker::sleep() noexcept {
  if (lie_down()) park_.park();  // who passes for asleep calls nobody: it would be called itself
  get_up();
  share_surplus();
}

}  // namespace weft
