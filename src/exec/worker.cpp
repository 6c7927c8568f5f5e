#include "exec/worker.hpp"

#include <algorithm>
#include <utility>

#include "base/thread_context.hpp"
#include "exec/scheduler.hpp"
#include "os/thread.hpp"

namespace weft::detail {

Worker::Worker(Scheduler& scheduler, std::size_t index, Park& park) noexcept
    : scheduler_(scheduler),
      park_(park),
      index_(index),
      single_(scheduler.single()),
      pinned_(scheduler, *this),
      high_(scheduler.high()),
      // A model has as many processors as threads, whatever it runs on.
      spin_(WEFT_ATOMIC_MODE == 2 || cpu_count() > 1) {}

Worker::Pinned::Pinned(Scheduler& scheduler, Worker& worker) noexcept
    : PinnedQueue(scheduler), worker_(worker) {}

void Worker::Pinned::wake_owner() noexcept { worker_.park_.unpark(); }

bool Worker::Pinned::demote(Runnable& work) noexcept {
  if (!worker_.has_had_too_much()) return false;
  worker_.demoted_.push_back(&work);
  return true;
}

// The LIFO slot, if nothing waits behind it.
Runnable* Worker::Pinned::take_fresh(Accepts accepts, const Runnable* of) noexcept {
  if (direct_runs_left() == 0 || !worker_.nothing_ready()) return nullptr;
  Runnable* const work = worker_.lifo_.take();
  if (work == nullptr) return nullptr;
  if (!accepts(*work, of)) {
    static_cast<void>(worker_.lifo_.put(*work));
    return nullptr;
  }
  restore_direct();
  return work;
}

// Never inlined, as enter() and leave() are not: see thread_context().
[[gnu::noinline]] Worker* Worker::current() noexcept { return thread_context().worker; }

[[gnu::noinline]] Worker* Worker::enter() noexcept {
  if (std::exchange(resting_, false)) after_park();
  runs_.interrupted();
  ThreadContext& here = thread_context();
  here.pinned = &pinned_;
  return std::exchange(here.worker, this);
}

[[gnu::noinline]] void Worker::leave(Worker* before) noexcept {
  ThreadContext& here = thread_context();
  here.pinned = before != nullptr ? &before->pinned_ : nullptr;
  here.worker = before;
}

bool Worker::due(std::uint32_t& at, std::uint32_t interval) noexcept {
  if (!is_due(at)) return false;
  at = static_cast<std::uint32_t>(tick_) + interval;
  return true;
}

/// What to run next, or null; `look_again`: events came for which nothing waited, or an unpark may
/// have been taken, and the stop condition is to be asked first.
inline Runnable* Worker::find(bool& look_again) noexcept {
  // What went on without the loop since it came round: yields, and what was run at its join.
  if (const std::uint64_t direct = tick_ - turns(); direct != 0) {
    counts_.yields.add(direct - std::exchange(ahead_, 0));
  }
  tick_ += 1 + pinned_.take_direct_runs();
  // Relaxed: whoever watches only wants to see it change.
  turns_.store(tick_, std::memory_order_relaxed);
  if (is_due(poll_at_) || is_due(injector_at_)) [[unlikely]] {
    if (Runnable* const work = find_due(look_again)) return work;
  } else if (!high_.empty()) [[unlikely]] {
    if (Runnable* const work = take_high()) return work;
  }
  if (Runnable* const work = next_local()) return work;
  return find_elsewhere(look_again);
}

void Worker::turn() noexcept {
  bool look_again = false;
  Runnable* work = find(look_again);
  if (work == nullptr && !look_again) work = spin_for_work(look_again);
  if (work != nullptr) {
    run(*work);
  } else if (!look_again) {
    sleep();
  }
}

[[gnu::noinline]] Runnable* Worker::find_due(bool& look_again) noexcept {
  if (due(poll_at_, poll_interval)) {
    look_again = true;
    runs_.window_ended(park_.now());
    const bool polled = park_.poll();
    share_surplus();
    if (polled && !single_) {
      if (Runnable* const work = rescue()) return work;
    }
  }
  const bool asks_injector = due(injector_at_, injector_interval);
  if (asks_injector) {
    if (single_) depth_.store(own_.size(), std::memory_order_relaxed);
    if (low_in_ != 0) --low_in_;
  }
  if (Runnable* const work = take_heavy()) return work;
  return asks_injector ? take_injected() : nullptr;
}

/// Of what uses much time, or has low priority, the next, if all others have had their share.
Runnable* Worker::take_heavy() noexcept {
  const bool low = low_in_ == 0 && !scheduler_.low().empty();
  const bool late = has_demoted();
  if ((!low && !late) || !heavy_share_.is_due(park_.now())) return nullptr;
  low_next_ = low && (!late || !low_next_);
  return low_next_ ? take_low() : take_demoted();
}

Runnable* Worker::take_injected() noexcept {
  Runnable* const work = scheduler_.injector().pop();
  if (work != nullptr) counts_.injector_takes.add();
  return work;
}

/// As its own queue is empty: of what waits for any worker a fair share at once, into that queue,
/// so that not each of many costs a look at what all share (Go's globrunqget). One to run.
[[gnu::noinline]] Runnable* Worker::take_share() noexcept {
  Injector<Runnable>& injector = scheduler_.injector();
  IntrusiveQueue<Runnable> share;
  const std::size_t workers = scheduler_.size();
  const std::size_t fair = (injector.size() + workers - 1) / workers;
  if (injector.pop(std::min(fair, largest_share), share) == 0) return nullptr;
  counts_.injector_takes.add();
  Runnable* const first = share.pop_front();
  if (share.empty()) return first;
  while (Runnable* const work = share.pop_front()) push(*work);
  // For each of these somebody else was called, or was about to look for it.
  if (!single_) scheduler_.wake_one();
  return first;
}

bool Worker::has_demoted() const noexcept {
  return !demoted_.empty() || !scheduler_.demoted().empty();
}

/// Of what was set back: what is bound to this worker, and what is not, in turns.
Runnable* Worker::take_demoted() noexcept {
  demoted_next_ = !demoted_next_;
  Runnable* work = demoted_next_ ? demoted_.pop_front() : nullptr;
  if (work == nullptr) {
    work = scheduler_.demoted().pop();
    if (work != nullptr) counts_.injector_takes.add();
  }
  if (work == nullptr) work = demoted_.pop_front();
  if (work != nullptr) runs_.time_next();
  return work;
}

/// Of who has had his turn and comes back: whether he has to wait until others have had theirs.
[[gnu::noinline]] bool Worker::has_had_too_much() noexcept {
  if (!runs_.timed() || !in_task_) return false;
  const std::int64_t now = park_.now();
  const std::int64_t lasted = runs_.long_so_far(now);
  if (lasted == 0) return false;
  heavy_share_.used(now, lasted);
  poll_at_ = static_cast<std::uint32_t>(tick_);  // events have waited, too
  if (offers_nothing() && pinned_.empty()) return false;
  counts_.long_runs.add();
  return true;
}

[[gnu::noinline]] Runnable* Worker::take_high() noexcept {
  Runnable* const work = scheduler_.high().pop();
  if (work != nullptr) counts_.injector_takes.add();
  return work;
}

[[gnu::noinline]] Runnable* Worker::take_low() noexcept {
  Runnable* const work = scheduler_.low().pop();
  if (work == nullptr) return nullptr;
  counts_.injector_takes.add();
  low_in_ = low_interval;
  runs_.time_next();
  runs_low_ = true;
  return work;
}

[[gnu::noinline]] Runnable* Worker::find_elsewhere(bool& look_again) noexcept {
  if (park_.dispatch_buffered()) {
    look_again = true;
    share_surplus();
    Runnable* const work = next_local();  // if null, there may be more of them
    if (work == nullptr) counts_.empty_turns.add();
    return work;
  }
  if (Runnable* const work = take_share()) return work;
  if (Runnable* const work = search()) return work;
  // It may have come since it was looked for.
  if (Runnable* const work = take_high()) return work;
  if (Runnable* const work = take_demoted()) return work;
  if (Runnable* const work = take_low()) return work;
  counts_.empty_turns.add();
  return nullptr;
}

bool Worker::run_ready(std::uint32_t most) noexcept {
  Worker* const before = enter();
  for (std::uint32_t runs = 0; runs < most && !resting_; ++runs) {
    bool look_again = false;
    if (Runnable* const work = find(look_again)) {
      run(*work);
    } else if (!look_again && !park_.poll_now()) {
      resting_ = prepare_park();
      if (!resting_) after_park();
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
  if (runs_.timed()) [[unlikely]] {
    run_timed(work);
  } else {
    work.run();
  }
  in_task_ = false;
}

[[gnu::noinline]] void Worker::run_timed(Runnable& work) noexcept {
  const bool low = std::exchange(runs_low_, false);
  runs_.run_begins(park_.now());
  work.run();
  if (low) {
    const std::int64_t now = park_.now();
    heavy_share_.used(now, runs_.long_so_far(now));
  }
  runs_.run_ended();
}

Runnable* Worker::next_local() noexcept {
  if (lifo_streak_ < lifo_limit) {
    if (Runnable* const work = lifo_.take()) {
      ++lifo_streak_;
      return work;
    }
  }
  lifo_streak_ = 0;
  pinned_next_ = !pinned_next_;
  if (pinned_next_) {
    const bool alone = nothing_ready();
    if (Runnable* const work = pinned_.pop(alone ? direct_runs() : 0)) return work;
  }
  if (Runnable* const work = pop()) return work;
  if (Runnable* const work = pinned_.pop(direct_runs())) return work;
  return lifo_.take();
}

bool Worker::take_back(Runnable& work) noexcept {
  if (!nothing_due() || !take_next(work)) return false;
  ++tick_;
  ++ahead_;
  return true;
}

/// Takes `work` if it stands first in the queue, or in the LIFO slot with nothing in the queue.
bool Worker::take_next(Runnable& work) noexcept {
  if (single_) {
    if (!own_.empty()) return own_.front() == &work && own_.pop_front() != nullptr;
  } else if (!local_.empty()) {
    return local_.pop_if(&work);
  }
  return lifo_.holds(work) && lifo_.take() != nullptr;
}

void Worker::schedule(Runnable& work) noexcept {
  pinned_.revoke_direct();
  if (!in_task_) {
    push(work);  // share_surplus() follows, once for all that the park brings
    return;
  }
  Runnable* const previous = lifo_.put(work);
  if (previous == nullptr) return;
  push(*previous);
  // Two wait behind the task that is running: one too many for this worker.
  if (!single_) scheduler_.wake_one();
}

void Worker::defer(Runnable& work) noexcept {
  counts_.yields.add();
  pinned_.revoke_direct();
  if (runs_.timed() && has_had_too_much()) [[unlikely]] {
    scheduler_.demote(work);
    return;
  }
  push(work);
  share_surplus();
}

void Worker::offer(Runnable& work) noexcept {
  pinned_.revoke_direct();
  push(work);
  if (!single_) scheduler_.wake_one();
}

Runnable* Worker::defer_for_next(Runnable& work, Runnable::Run how) noexcept {
  if (nothing_due() && lifo_.empty()) {
    if (Runnable* const next = pop()) {
      pinned_.revoke_direct();
      push(work);
      if (next->runs(how)) {
        ++tick_;
        return next;
      }
      static_cast<void>(lifo_.put(*next));  // it is what the loop runs next
      return nullptr;
    }
  }
  defer(work);
  return nullptr;
}

void Worker::push(Runnable& work) noexcept {
  if (single_) return own_.push_back(&work);
  while (!local_.push(&work)) {
    IntrusiveQueue<Runnable> spilled;
    if (local_.take_half(spilled) != 0) scheduler_.inject(spilled);
  }
}

// What this worker can run next by itself is not worth another's wake-up.
void Worker::share_surplus() noexcept {
  if (!single_ && local_.size() > 1) scheduler_.wake_one();
}

Runnable* Worker::search() noexcept {
  if (single_) return nullptr;
  if (!searching_) searching_ = scheduler_.idle().start_search();
  if (!searching_) return nullptr;
  Runnable* const work = scheduler_.steal_for(*this);
  if (work != nullptr) counts_.steals.add();
  return work;
}

std::size_t Worker::depth() const noexcept {
  if (single_) return depth_.load(std::memory_order_relaxed);
  return stealer_.size() + (lifo_.empty() ? 0 : 1);
}

bool Worker::has_work() const noexcept { return !stealer_.empty(); }

}  // namespace weft::detail
