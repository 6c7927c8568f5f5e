// WorkerQueues: what is ready on one worker, and the order in which it runs there.
//
//   LIFO slot      what the last task made runnable; others may steal it, at a price (LifoSlot)
//   run queue      first in, first out; others steal half of it (RunQueue). With one worker there
//                  are no thieves: a list, which has no limit and needs no atomics
//   pinned queue   what only this worker may run; the worker's own (PinnedQueue)
//   demoted queue  tasks of the pinned queue that have run for long; not in the order below, as
//                  Fairness decides when they run
//
// Order of next(): the LIFO slot, at most `lifo_limit` times in a row; then the run queue and the
// pinned queue in turns; then the LIFO slot again.
//
// Thread-safety: the owner alone, but for the functions of thieves, and those that say any thread.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/runnable.hpp>

#include <cstddef>
#include <cstdint>

#include "base/intrusive_queue.hpp"
#include "exec/lifo_slot.hpp"
#include "exec/run_queue.hpp"
#include "task/pinned_queue.hpp"

namespace weft::inline v0_1::detail {

class WorkerQueues {
 public:
  static constexpr std::uint32_t lifo_limit = 3;

  WorkerQueues(bool has_thieves, PinnedQueue& pinned) noexcept
      : has_thieves_(has_thieves), pinned_(pinned), lifo_(has_thieves) {}
  WorkerQueues(const WorkerQueues&) = delete;
  WorkerQueues& operator=(const WorkerQueues&) = delete;

  /// The next to run, or null. If it is pinned and the run queue is empty, then up to `direct_runs`
  /// more may run after it without the loop.
  [[nodiscard]] Runnable* next(std::uint32_t direct_runs) noexcept {
    if (lifo_streak_ < lifo_limit) {
      if (Runnable* const work = lifo_.take()) {
        ++lifo_streak_;
        return work;
      }
    }
    lifo_streak_ = 0;
    pinned_next_ = !pinned_next_;
    if (pinned_next_) {
      const bool alone = queue_empty();
      if (Runnable* const work = pinned_.pop(alone ? direct_runs : 0)) return work;
    }
    if (Runnable* const work = pop()) return work;
    if (Runnable* const work = pinned_.pop(direct_runs)) return work;
    return lifo_.take();
  }

  // The run queue
  /// At its end. False: it is full.
  [[nodiscard]] bool push(Runnable& work) noexcept {
    if (has_thieves_) return local_.push(&work);
    list_.push_back(&work);
    return true;
  }
  /// Moves the first half of a full queue to the end of `out`. False: it is not full (any more).
  [[nodiscard]] bool take_half(IntrusiveQueue<Runnable>& out) noexcept {
    return local_.take_half(out) != 0;
  }
  /// Its first, or null.
  [[nodiscard]] Runnable* pop() noexcept { return has_thieves_ ? local_.pop() : list_.pop_front(); }
  [[nodiscard]] bool queue_empty() const noexcept {
    return has_thieves_ ? local_.empty() : list_.empty();
  }
  /// Without thieves.
  [[nodiscard]] std::size_t list_size() const noexcept { return list_.size(); }
  /// Whether more is in it than this worker runs next: with thieves.
  [[nodiscard]] bool has_surplus() const noexcept { return has_thieves_ && local_.size() > 1; }

  // The LIFO slot
  /// Returns what was there before, or null.
  [[nodiscard]] Runnable* put_lifo(Runnable& work) noexcept { return lifo_.put(work); }
  [[nodiscard]] Runnable* take_lifo() noexcept { return lifo_.take(); }
  /// Whether `work` was put there last. `work` is only compared: it may be null, or gone.
  [[nodiscard]] bool lifo_holds(const Runnable* work) const noexcept { return lifo_.holds(work); }
  /// Any thread; a moment later it may be otherwise.
  [[nodiscard]] bool lifo_empty() const noexcept { return lifo_.empty(); }

  /// Takes `work` if it is first in the run queue, or in the LIFO slot with nothing in the queue.
  [[nodiscard]] bool take_if_next(Runnable& work) noexcept {
    if (!has_thieves_) {
      if (!list_.empty()) return list_.front() == &work && list_.pop_front() != nullptr;
    } else if (!local_.empty()) {
      return local_.pop_if(&work);
    }
    return lifo_.holds(&work) && lifo_.take() != nullptr;
  }
  /// Whether nothing is here that another worker could take.
  [[nodiscard]] bool offers_nothing() const noexcept { return queue_empty() && lifo_.empty(); }
  /// Moves all that another worker may run to the end of `out`.
  void take_all(IntrusiveQueue<Runnable>& out) noexcept {
    if (Runnable* const work = lifo_.take()) out.push_back(work);
    while (Runnable* const work = pop()) out.push_back(work);
  }

  // Demoted tasks that are bound to this worker
  void push_demoted(Runnable& work) noexcept { demoted_.push_back(&work); }
  [[nodiscard]] Runnable* pop_demoted() noexcept { return demoted_.pop_front(); }
  [[nodiscard]] bool has_demoted() const noexcept { return !demoted_.empty(); }

  // For thieves: any thread, and only if there are any
  /// Takes half of the run queue: one to run, or null, and the rest into `thief`'s.
  [[nodiscard]] Runnable* steal_half(WorkerQueues& thief) noexcept {
    return stealer_.steal_into(thief.local_);
  }
  [[nodiscard]] Runnable* steal_lifo() noexcept { return lifo_.steal(); }
  [[nodiscard]] std::size_t stealable() const noexcept { return stealer_.size(); }

 private:
  using Queue = RunQueue<Runnable>;

  const bool has_thieves_;
  PinnedQueue& pinned_;
  IntrusiveQueue<Runnable> list_;  // the run queue without thieves
  Queue queue_;                    // and with them
  Queue::Local local_{queue_};
  Queue::Stealer stealer_{queue_};
  LifoSlot lifo_;
  IntrusiveQueue<Runnable> demoted_;
  std::uint32_t lifo_streak_ = 0;
  bool pinned_next_ = false;
};

}  // namespace weft::inline v0_1::detail
