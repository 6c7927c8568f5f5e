// How a worker that has nothing to run waits: it looks around, lies down, and gets up.
#include <utility>

#include "exec/scheduler.hpp"
#include "exec/worker.hpp"

namespace weft {

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
  if (searching_) counts_.wakes.add();
  scheduler_.worker_woke();
}

/// What has come from other threads, for this worker or any.
std::size_t Worker::arrivals() noexcept {
  return scheduler_.arrivals() + (pinned_.has_incoming() ? 1 : 0);
}

/// Before a sleep, if such a look has paid lately: waits for a moment, without sleeping, whether
/// something comes from another thread. False: nothing has come.
bool Worker::look_around() noexcept {
  const std::int64_t limit_ns = spin_.limit_ns();
  if (limit_ns == 0) [[likely]]
    return false;
  if (std::exchange(searching_, false)) {
    static_cast<void>(scheduler_.idle().stop_search());
    if (scheduler_.any_work()) {
      // It may have called nobody, as this one searched; and it may be more than this one runs.
      scheduler_.wake_one();
      return true;
    }
  }
  if (!scheduler_.idle().start_look()) return false;
  const std::int64_t until_ns = park_.now() + limit_ns;
  bool found = false;
  // The clock may stand still.
  std::int64_t most_rounds = limit_ns / least_round_ns;
  do {
    for (int i = 0; i < looks_a_round && !found; ++i) {
      spin_hint();
      found = arrivals() != 0;
    }
  } while (!found && --most_rounds > 0 && park_.now() < until_ns);
  scheduler_.idle().end_look();
  spin_.looked(found);
  // One of them it runs itself.
  if (!single_ && arrivals() > 1) scheduler_.wake_one();
  return found;
}

void Worker::sleep() noexcept {
  counts_.parks.add();
  if (single_) depth_.store(own_.size(), std::memory_order_relaxed);
  runs_.interrupted();
  const bool watched = spin_.allowed() && spin_.limit_ns() == 0;
  const std::int64_t began_ns = watched ? park_.now() : 0;
  const bool slept = lie_down();
  if (slept) park_.park();  // who passes for asleep calls nobody: it would be called itself
  get_up();
  if (slept && watched) {
    const bool by_work = arrivals() != 0;
    spin_.slept(by_work ? park_.now() - began_ns : 0, by_work);
  }
  share_surplus();
}

}  // namespace weft
