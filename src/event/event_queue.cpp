// EventQueue: the public interface of Poller. Adds the public events, timeouts that go on after a
// signal, and error codes whose messages say what to do.
#include <weft/event_queue.hpp>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "event/poller.hpp"
#include "os/clock.hpp"

namespace weft::inline v0_1 {

namespace {

class EventQueueCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "weft.event_queue"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<EventQueueError>(value)) {
      case EventQueueError::not_registered:
        return "the handle is not registered with this event queue: add() it first";
      case EventQueueError::not_pollable:
        return "the handle cannot be polled, as regular files cannot: read and write it directly";
      case EventQueueError::not_open:
        return "the handle is not open: add() it before it is closed, remove() it before closing";
      case EventQueueError::too_many:
        return "too many registrations: raise /proc/sys/fs/epoll/max_user_watches";
      case EventQueueError::no_room:
        return "poll() was given no room: pass a span of at least one Event";
      case EventQueueError::inherited:
        return "the event queue is the parent's: make a new one after fork()";
    }
    return "unknown event queue error";
  }

  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<EventQueueError>(value)) {
      case EventQueueError::not_registered:
        return std::errc::no_such_file_or_directory;
      case EventQueueError::not_pollable:
        return std::errc::operation_not_permitted;
      case EventQueueError::not_open:
        return std::errc::bad_file_descriptor;
      case EventQueueError::too_many:
        return std::errc::no_space_on_device;
      case EventQueueError::no_room:
        return std::errc::invalid_argument;
      case EventQueueError::inherited:
        return std::errc::owner_dead;
    }
    return {value, *this};
  }
};

std::error_code explain(int error) noexcept {
  switch (error) {
    case ENOENT:
      return EventQueueError::not_registered;
    case EPERM:
      return EventQueueError::not_pollable;
    case EBADF:
      return EventQueueError::not_open;
    case ENOSPC:
      return EventQueueError::too_many;
    case detail::Poller::of_another_process:
      return EventQueueError::inherited;
    default:
      return os_error(error);
  }
}

Result<void> result_of(int error) noexcept {
  if (error != 0) return fail(explain(error));
  return {};
}

/// The rest of a poll's timeout. Reads the clock only if the timeout is finite and not zero.
class Remaining {
 public:
  explicit Remaining(std::optional<std::chrono::nanoseconds> timeout) noexcept
      : left_(timeout ? std::max<std::int64_t>(timeout->count(), 0) : forever) {
    if (left_ > 0) {
      const std::int64_t now = detail::SteadyClock().now();
      // A timeout of centuries would overflow; it counts as no limit.
      if (left_ > no_deadline - now) {
        left_ = forever;
      } else {
        deadline_ = now + left_;
      }
    }
  }

  /// Nanoseconds as Poller::wait takes them.
  [[nodiscard]] std::int64_t left() const noexcept { return left_; }
  /// Subtracts the time that has passed. False: nothing is left.
  [[nodiscard]] bool update() noexcept {
    if (left_ > 0) left_ = std::max<std::int64_t>(deadline_ - detail::SteadyClock().now(), 0);
    return left_ != 0;
  }

 private:
  static constexpr std::int64_t forever = -1;
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

  std::int64_t left_;
  std::int64_t deadline_ = no_deadline;
};

}  // namespace

const std::error_category& event_queue_category() noexcept {
  static const EventQueueCategory category;
  return category;
}

void Events::Iterator::skip_stale() noexcept {
  while (at_ != end_ && !poller_->current(at_->handle, at_->generation_)) ++at_;
}

Result<EventQueue> EventQueue::create() try {
  Result<std::unique_ptr<detail::Poller>> poller = detail::Poller::create();
  if (!poller) return fail(poller.error());
  return EventQueue(std::move(*poller));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

EventQueue::EventQueue(std::shared_ptr<detail::Poller> poller) noexcept
    : poller_(std::move(poller)) {}
EventQueue::EventQueue(EventQueue&& other) noexcept = default;
EventQueue& EventQueue::operator=(EventQueue&& other) noexcept {
  if (this != &other) {
    end();
    poller_ = std::move(other.poller_);
  }
  return *this;
}
EventQueue::~EventQueue() { end(); }

void EventQueue::end() noexcept {
  if (poller_ != nullptr) poller_->end();
}

Result<void> EventQueue::add(NativeHandle handle, std::uint64_t token, Interest interest,
                             Trigger trigger) {
  return result_of(poller_->add(handle, token, interest, trigger));
}

Result<void> EventQueue::modify(NativeHandle handle, std::uint64_t token, Interest interest,
                                Trigger trigger) {
  return result_of(poller_->modify(handle, token, interest, trigger));
}

Result<void> EventQueue::remove(NativeHandle handle) { return result_of(poller_->remove(handle)); }

Result<Events> EventQueue::poll(std::span<Event> room,
                                std::optional<std::chrono::nanoseconds> timeout) {
  return poll(*poller_, room, timeout);
}

Result<Events> EventQueue::poll(detail::Poller& poller, std::span<Event> room,
                                std::optional<std::chrono::nanoseconds> timeout) {
  if (room.empty()) return fail(EventQueueError::no_room);
  Remaining remaining(timeout);
  for (;;) {
    const detail::Poller::Waited waited = poller.wait(room.size(), remaining.left());
    if (waited.error != 0 && waited.error != EINTR) return fail(explain(waited.error));
    if (!waited.events.empty() || waited.woken) {
      std::ranges::transform(waited.events, room.begin(), [](const detail::Ready& ready) {
        Event event;
        event.token = ready.token;
        event.handle = ready.handle;
        event.readable = (ready.bits & detail::ready_bit::readable) != 0;
        event.writable = (ready.bits & detail::ready_bit::writable) != 0;
        event.error = (ready.bits & detail::ready_bit::error) != 0;
        event.read_closed = (ready.bits & detail::ready_bit::read_closed) != 0;
        event.write_closed = (ready.bits & detail::ready_bit::write_closed) != 0;
        event.generation_ = ready.generation;
        return event;
      });
      return Events(room.first(waited.events.size()), &poller);
    }
    // Interrupted, or only dead registrations had events: waits for the rest of the timeout.
    if (!remaining.update()) return Events({}, &poller);
  }
}

void EventQueue::wake() noexcept { poller_->wake(); }

NativeHandle EventQueue::native_handle() const noexcept { return poller_->native_handle(); }

}  // namespace weft::inline v0_1
