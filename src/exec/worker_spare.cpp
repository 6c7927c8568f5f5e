// Workers that stand in for each other (block_in_place()): handing work over, and the loop of a
// spare worker that is not needed.
#include <utility>

#include "exec/worker.hpp"

namespace weft::inline v0_1::detail {

void Worker::hand_over() noexcept {
  IntrusiveQueue<Runnable> all;
  queues_.take_all(all);
  if (all.empty()) return;
  pool_.inject(all);
  pool_.wake_one();
}

/// From now on the worker neither counts as awake nor can it be woken for others' work.
void Worker::retire() noexcept {
  if (searching_ && stop_search()) pool_.wake_one();
  pool_.idle().leave();
  hand_over();
}

void Worker::rejoin() noexcept { pool_.idle().join(); }

/// One round without work that others may run: bound work, one at a time, or a wait in the park.
void Worker::serve_round() noexcept {
  fairness_.begin_round(pinned_.take_direct_runs());
  ticks_.store(fairness_.ticks(), std::memory_order_relaxed);
  Runnable* work = pinned_.pop(0);
  if (work == nullptr) work = queues_.pop_demoted();
  if (work != nullptr) {
    rejoin();  // a task may compute for long: the watchdog must not sleep meanwhile
    pool_.worker_woke();
    run(*work);
    pool_.idle().leave();
    // A system call for each run: bound tasks that stay behind are few. It may take an unpark, so
    // the stop condition is evaluated before this worker parks.
    static_cast<void>(park_.poll_now());
    return hand_over();
  }
  hand_over();
  if (!pinned_.prepare_sleep()) return;
  counts_.parks.add();
  park_.park();
  pinned_.awake();
  hand_over();
}

}  // namespace weft::inline v0_1::detail
