// How a worker waits that has nothing to run: it spins for work from other threads, and parks.
#include <utility>

#include "exec/worker.hpp"

namespace weft::inline v0_1::detail {

/// The worker counts as parked from here on. False: work that only it can run has come before that,
/// so it must not park. after_park() follows in either case.
bool Worker::prepare_park() noexcept {
  pool_.idle().sleep(index_, searching_);
  searching_ = false;
  // Work that became visible before this worker counted as parked has woken none: see IdleSet.
  if (any_work()) pool_.wake_one();
  return pinned_.prepare_sleep();
}

void Worker::after_park() noexcept {
  pinned_.awake();
  searching_ = pool_.idle().awake(index_);
  if (searching_) counts_.wakes.add();
  pool_.worker_woke();
}

/// How much has come from other threads, for this worker or any.
std::size_t Worker::arrivals() const noexcept {
  return pool_.arrivals() + (pinned_.has_incoming() ? 1 : 0);
}

/// Before the worker parks: spins, if that has paid lately and no other worker does. Returns work
/// that has come, or null. That work is to be run before anything else is looked for: no worker was
/// woken for it. `recheck`: see find_work().
Runnable* Worker::spin_for_work(bool& recheck) noexcept {
  const std::int64_t limit_ns = idle_policy_.spin_ns();
  if (limit_ns == 0) [[likely]]
    return nullptr;
  if (searching_) {
    static_cast<void>(stop_search());
    if (any_work()) {
      // Work that came while this worker searched may have woken no worker. There may also be more
      // than this worker can run. So another worker is woken.
      pool_.wake_one();
      recheck = true;
      return nullptr;
    }
  }
  // A worker gets events when it parks. While spinning pays it does not park, so it polls here.
  recheck = park_.poll();
  if (recheck) wake_for_surplus();
  if (!queues_.queue_empty() || !pinned_.empty() || !pool_.idle().start_spin()) return nullptr;
  fairness_.interrupted();
  spin(limit_ns);
  pool_.idle().end_spin();
  Runnable* work = take_high();
  if (work == nullptr) work = take_injected();
  // The rest may have woken no worker.
  if (!single_ && pool_.arrivals() != 0) pool_.wake_one();
  const bool own = pinned_.has_incoming();
  recheck = recheck || own;
  idle_policy_.spun(work != nullptr || own);
  return work;
}

/// Until something has come, or the time is over.
void Worker::spin(std::int64_t limit_ns) noexcept {
  Spin spin(park_.now(), limit_ns);
  while (spin.begin_round()) {
    for (int look = 0; look < Spin::looks_a_round; ++look) {
      if (arrivals() != 0) return;
      spin_hint();
    }
    if (spin.over(park_.now())) return;
  }
}

void Worker::wait_in_park() noexcept {
  counts_.parks.add();
  if (single_) depth_.store(queues_.list_size(), std::memory_order_relaxed);
  fairness_.interrupted();
  const bool timed = idle_policy_.times_parks();
  const std::int64_t began_ns = timed ? park_.now() : 0;
  const bool parks = prepare_park();
  // While the worker is in its park, schedule() wakes no other worker. wake_for_surplus() below
  // wakes one, once for all that the events have made runnable.
  if (parks) park_.park();
  after_park();
  if (parks && timed) {
    const bool by_work = arrivals() != 0;
    idle_policy_.parked(by_work ? park_.now() - began_ns : 0, by_work);
  }
  wake_for_surplus();
}

}  // namespace weft::inline v0_1::detail
