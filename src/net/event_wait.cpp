// wait_for_events(): the driver of the task's worker watches an event queue. It is watched anew for
// each wait: its handle may have changed, and the task may have moved to another worker. The wait
// shares the queue's poller, and is told if the queue ends before it.
#include <weft/net.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <memory>

#include "event/poller.hpp"

namespace weft::inline v0_1::detail {

/// What a wait may see of an EventQueue.
class EventQueueWait {
 public:
  [[nodiscard]] static std::shared_ptr<Poller> share(EventQueue& queue) noexcept {
    return queue.poller_;
  }
  [[nodiscard]] static Result<Events> poll_now(Poller& poller, std::span<Event> room) {
    return EventQueue::poll(poller, room, Nanoseconds::zero());
  }
};

namespace {

/// A wait for a poller's handle, which is closed when the poller's owner ends.
class PollerWatch final : public Poller::Watcher {
 public:
  explicit PollerWatch(Poller& poller) : poller_(poller), pollable(poller.native_handle()) {
    poller_.add(*this);
  }
  ~PollerWatch() { poller_.remove(*this); }
  PollerWatch(const PollerWatch&) = delete;
  PollerWatch& operator=(const PollerWatch&) = delete;

 private:
  void poller_ended() noexcept override { pollable.close(); }
  Poller& poller_;

 public:
  Pollable pollable;
};

Task<void> wait_until_ready(Poller& poller, TimePoint deadline) {
  PollerWatch watch(poller);
  Result<void> ready;
  if (deadline == TimePoint::max()) {
    ready = co_await attempt(watch.pollable.readable());
  } else {
    ready = co_await attempt(timeout_at(watch.pollable.readable(), deadline));
  }
  if (!ready && ready.error() != std::errc::timed_out) {
    throw IoError(ready.error(), "wait", "event queue");
  }
}

}  // namespace
}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<Events> wait_for_events(EventQueue& queue, std::span<Event> room, TimePoint deadline) {
  const std::shared_ptr<detail::Poller> poller = detail::EventQueueWait::share(queue);
  if (deadline <= now()) {
    co_await yield_now();
  } else {
    co_await detail::wait_until_ready(*poller, deadline);
  }
  if (poller->ended()) {
    throw IoError(make_error_code(std::errc::operation_canceled), "wait", "event queue");
  }
  const Result<Events> found = detail::EventQueueWait::poll_now(*poller, room);
  if (!found) throw IoError(found.error(), "poll", "event queue");
  co_return *found;
}

}  // namespace weft::inline v0_1
