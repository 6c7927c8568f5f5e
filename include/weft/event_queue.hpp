// EventQueue: waits for many handles at the same time. A caller registers each handle with a token
// of its choice; poll() returns the tokens of the handles that are ready. It is the readiness layer
// below the reactor, and can be used without the rest of weft.
//
//   weft::EventQueue queue = weft::EventQueue::create().value();
//   queue.add(socket, 7, weft::Interest::readable).value();
//   std::array<weft::Event, 64> room;
//   const weft::Events events = queue.poll(room).value();
//   for (const weft::Event& event : events) handle(event.token);
//
// Thread-safety: one thread at a time makes every call except wake(), which any thread may make.
// Invariant: poll() and the iteration over its events never deliver an event for a registration
// that has since been removed, replaced or modified, even if the handle's number was reused in
// between, and even within one batch.
#pragma once

#include <weft/native_handle.hpp>
#include <weft/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

namespace weft::inline v0_1 {

namespace detail {

class Poller;
class EventQueueWait;

}  // namespace detail

/// The conditions that a registration reports. Errors and hang-ups are always reported.
enum class Interest : std::uint8_t { none = 0, readable = 1, writable = 2, both = 3 };

/// When a ready registration is reported.
enum class Trigger : std::uint8_t {
  level,     ///< By every poll while it is ready.
  edge,      ///< When it becomes ready, and when more arrives: read or write until it would block.
  one_shot,  ///< Once; then not until modify() arms it again.
};

/// One ready handle. An error or a hang-up sets both `readable` and `writable`, so that a caller
/// that waits for either direction gets the reason from its next system call.
struct Event {
  std::uint64_t token = 0;
  NativeHandle handle = invalid_handle;
  bool readable = false;
  bool writable = false;
  bool error = false;
  bool read_closed = false;  ///< The peer sends no more: reads return the rest, then end of stream.
  bool write_closed = false;  ///< A write would fail.

 private:
  friend class EventQueue;
  friend class Events;
  std::uint32_t generation_ = 0;
};

/// The result of one poll(): a range of Events over the caller's room. Iteration skips
/// registrations that have been removed, replaced or modified meanwhile, so the handler of one
/// event may close the handle of a later one. Valid until the next poll(), while the room and the
/// queue live; the queue may be moved.
class Events {
 public:
  class Iterator {
   public:
    using value_type = Event;
    using difference_type = std::ptrdiff_t;

    Iterator() noexcept = default;
    const Event& operator*() const noexcept { return *at_; }
    const Event* operator->() const noexcept { return at_; }
    Iterator& operator++() noexcept {
      ++at_;
      skip_stale();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t /*end*/) noexcept {
      return iterator.at_ == iterator.end_;
    }

   private:
    friend class Events;
    Iterator(const Event* at, const Event* end, const detail::Poller* poller) noexcept
        : at_(at), end_(end), poller_(poller) {
      skip_stale();
    }
    void skip_stale() noexcept;

    const Event* at_ = nullptr;
    const Event* end_ = nullptr;
    const detail::Poller* poller_ = nullptr;
  };

  [[nodiscard]] Iterator begin() const noexcept {
    return {found_.data(), found_.data() + found_.size(), poller_};
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  /// Returns whether there are no events left to handle.
  [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

 private:
  friend class EventQueue;
  Events(std::span<const Event> found, const detail::Poller* poller) noexcept
      : found_(found), poller_(poller) {}

  std::span<const Event> found_;
  const detail::Poller* poller_;
};

/// Waits for many handles; see the top of this header. Move-only. The destructor and a
/// move-assignment over a queue end a task's wait_for_events() on it with errc::operation_canceled;
/// they may come on any thread, but not under another call.
class EventQueue {
 public:
  /// Makes an empty queue. Fails if the process or the system has no more descriptors.
  [[nodiscard]] static Result<EventQueue> create();

  EventQueue(EventQueue&& other) noexcept;
  EventQueue& operator=(EventQueue&& other) noexcept;
  ~EventQueue();

  /// Registers `handle`, which the caller still owns. If it is ready now, the next poll reports it.
  /// A number that is registered already is registered anew. Fails with
  /// EventQueueError::not_pollable for a regular file, not_open for a handle that is not open,
  /// too_many for a limit of the system, or errc::not_enough_memory.
  [[nodiscard]] Result<void> add(NativeHandle handle, std::uint64_t token, Interest interest,
                                 Trigger trigger = Trigger::level);

  /// Replaces all settings of `handle` and arms it. If it is ready now, the next poll reports it.
  /// Events that were found for the earlier settings and not handled yet are dropped.
  /// Fails with EventQueueError::not_registered if `handle` is not registered.
  [[nodiscard]] Result<void> modify(NativeHandle handle, std::uint64_t token, Interest interest,
                                    Trigger trigger = Trigger::level);

  /// Ends the registration of `handle`: no event of it is delivered any more. Call it before
  /// closing `handle`. (A handle that was closed without it leaves the queue by itself, unless the
  /// open object is also open under another number; then its events are dropped from this call on,
  /// or once the number is reused.) Fails with EventQueueError::not_registered if `handle` is not
  /// registered.
  [[nodiscard]] Result<void> remove(NativeHandle handle);

  /// Waits until a registered handle is ready, `timeout` has passed (none: no limit; zero or less:
  /// does not wait), or wake() was called; returns an empty range in the last two cases. Writes
  /// into `room`, which holds at least one Event; events that do not fit come with the next poll. A
  /// signal does not end the wait. Fails with EventQueueError::no_room if `room` is empty.
  [[nodiscard]] Result<Events> poll(std::span<Event> room,
                                    std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

  /// Makes the current poll() return, or else the next one. Wake-ups before that poll() coalesce.
  /// Never blocks, never fails. Any thread, while the queue is not being moved or destroyed.
  void wake() noexcept;

  /// Returns a handle for another queue or event loop to poll, but not to read from: it is readable
  /// when poll() would return events, or was woken. Ask for it again after each poll(): it may
  /// change when handles were closed that are also open under another number. A task waits with
  /// wait_for_events(), in <weft/net.hpp>.
  [[nodiscard]] NativeHandle native_handle() const noexcept;

 private:
  friend class detail::EventQueueWait;

  explicit EventQueue(std::shared_ptr<detail::Poller> poller) noexcept;
  [[nodiscard]] static Result<Events> poll(detail::Poller& poller, std::span<Event> room,
                                           std::optional<std::chrono::nanoseconds> timeout);
  void end() noexcept;

  std::shared_ptr<detail::Poller>
      poller_;  // shared with a task that waits; Events keep its address
};

/// Why an EventQueue call failed; the messages say what to do. Each value compares equal to the
/// std::errc in brackets.
enum class EventQueueError {
  not_registered = 1,  ///< (no_such_file_or_directory)
  not_pollable,        ///< (operation_not_permitted)
  not_open,            ///< (bad_file_descriptor)
  too_many,            ///< (no_space_on_device)
  no_room,             ///< (invalid_argument)
  inherited,           ///< made before fork(), by the parent process (owner_dead)
};

[[nodiscard]] const std::error_category& event_queue_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(EventQueueError error) noexcept {
  return {static_cast<int>(error), event_queue_category()};
}

}  // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::EventQueueError> : std::true_type {};
