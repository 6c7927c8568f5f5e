// How a worker that has nothing to run waits: it looks around, lies down, and gets up.
#include <utility>

#include "exec/scheduler.hpp"
#include "exec/worker.hpp"

namespace weft::detail {

/// From here on the worker passes for asleep. False: something became runnable for it just before.
bool Worker::prepare_park() noexcept {
  scheduler_.idle().sleep(index_, searching_);
  searching_ = false;
  // Work that became visible before this worker was seen asleep has called nobody: see IdleSet.
  if (scheduler_.any_work()) scheduler_.wake_one();
  return pinned_.prepare_sleep();
}

void Worker::after_park() noexcept {
  pinned_.awake();
  searching_ = scheduler_.idle().awake(index_);
  if (searching_) counts_.wakes.add();
  scheduler_.worker_woke();
}

/// What has come from other threads, for this worker or any.
std::size_t Worker::arrivals() noexcept {
  return scheduler_.arrivals() + (pinned_.has_incoming() ? 1 : 0);
}

/// Before a sleep, if such a look has paid lately: waits for a moment, without sleeping, whether
/// something comes from another thread, and gives the next of it, or null. What is given is to be
/// run before anything else is asked: it has called nobody.
Runnable* Worker::spin_for_work(bool& look_again) noexcept {
  const std::int64_t limit_ns = spin_.limit_ns();
  if (limit_ns == 0) [[likely]]
    return nullptr;
  if (std::exchange(searching_, false)) {
    static_cast<void>(scheduler_.idle().stop_search());
    if (scheduler_.any_work()) {
      // It may have called nobody, as this one searched; and it may be more than this one runs.
      scheduler_.wake_one();
      look_again = true;
      return nullptr;
    }
  }
  // While looks pay there is no sleep in which events would come.
  look_again = park_.poll();
  if (look_again) share_surplus();
  if (!nothing_ready() || !pinned_.empty() || !scheduler_.idle().start_look()) return nullptr;
  runs_.interrupted();
  wait_for_arrivals(limit_ns);
  scheduler_.idle().end_look();
  Runnable* work = take_high();
  if (work == nullptr) work = take_injected();
  // For what is left nobody may have been called.
  if (!single_ && scheduler_.arrivals() != 0) scheduler_.wake_one();
  const bool own = pinned_.has_incoming();
  look_again = look_again || own;
  spin_.looked(work != nullptr || own);
  return work;
}

void Worker::wait_for_arrivals(std::int64_t limit_ns) noexcept {
  const std::int64_t until_ns = park_.now() + limit_ns;
  // The clock may stand still.
  for (std::int64_t rounds = limit_ns / least_round_ns; rounds > 0; --rounds) {
    for (int look = 0; look < looks_a_round; ++look) {
      if (arrivals() != 0) return;
      spin_hint();
    }
    if (park_.now() >= until_ns) return;
  }
}

void Worker::sleep() noexcept {
  counts_.parks.add();
  if (single_) depth_.store(own_.size(), std::memory_order_relaxed);
  runs_.interrupted();
  const bool watched = spin_.allowed() && spin_.limit_ns() == 0;
  const std::int64_t began_ns = watched ? park_.now() : 0;
  const bool slept = prepare_park();
  if (slept) park_.park();  // who passes for asleep calls nobody: it would be called itself
  after_park();
  if (slept && watched) {
    const bool by_work = arrivals() != 0;
    spin_.slept(by_work ? park_.now() - began_ns : 0, by_work);
  }
  share_surplus();
}

}  // namespace weft::detail
