// wait_for_events(): the driver of the task's worker watches an event queue. It is watched anew for
// each wait: its handle may have changed, and the task may have moved to another worker.
#include <weft/net.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

namespace weft::inline v0_1 {
namespace {

Task<void> wait_until_ready(NativeHandle handle, TimePoint deadline) {
  Pollable pollable(handle);
  if (deadline == TimePoint::max()) {
    co_await pollable.readable();
    co_return;
  }
  const Result<void> ready = co_await attempt(timeout_at(pollable.readable(), deadline));
  if (!ready && ready.error() != std::errc::timed_out) {
    throw IoError(ready.error(), "wait", "event queue");
  }
}

}  // namespace

Task<Events> wait_for_events(EventQueue& queue, std::span<Event> room, TimePoint deadline) {
  if (deadline <= now()) {
    co_await yield_now();
  } else {
    co_await wait_until_ready(queue.native_handle(), deadline);
  }
  const Result<Events> found = queue.poll(room, Nanoseconds::zero());
  if (!found) throw IoError(found.error(), "poll", "event queue");
  co_return *found;
}

}  // namespace weft::inline v0_1
