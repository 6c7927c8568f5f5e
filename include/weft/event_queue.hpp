// EventQueue: waits for many handles at once. Register a handle with a token of your own, poll, and
// be given the tokens of those that are ready. The readiness layer under the reactor; it can be
// used without the rest.
//
// Thread-safety: one thread at a time makes every call except wake(), which may come from any
// thread. Invariant: an event is never handed out for a registration that has been removed,
// replaced or modified since, even if the handle's number was reused in between, and even within
// one batch.
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

namespace weft {

namespace detail {

class Poller;

}  // namespace detail

/// What a registration asks to be told of. Errors and hang-ups are reported in any case.
enum class Interest : std::uint8_t { none = 0, readable = 1, writable = 2, both = 3 };

/// When a registration that is ready is reported.
enum class Trigger : std::uint8_t {
  level,  ///< By every poll for as long as it is ready.
  edge,   ///< Once it becomes ready, and again when more comes: read or write until it would block.
  one_shot,  ///< Once; then not before modify() arms it again.
};

/// One handle is ready. An error or a hang-up sets both `readable` and `writable`: whoever waits
/// for either direction then learns the reason from his own call.
struct Event {
  std::uint64_t token = 0;
  NativeHandle handle = invalid_handle;
  bool readable = false;
  bool writable = false;
  bool error = false;
  bool read_closed = false;   ///< The peer sends no more: a read finds what is left, then the end.
  bool write_closed = false;  ///< A write would fail.

 private:
  friend class EventQueue;
  friend class Events;
  std::uint32_t generation_ = 0;
};

/// What one poll() found: a range of Event over the room that was given to it. Going through it
/// leaves out what was removed, replaced or modified meanwhile, so the handling of one event may
/// close the handle of a later one. Valid until the next poll(), and while the room and the queue
/// (moved or not) live.
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
  /// Whether there is none left to handle.
  [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

 private:
  friend class EventQueue;
  Events(std::span<const Event> found, const detail::Poller* poller) noexcept
      : found_(found), poller_(poller) {}

  std::span<const Event> found_;
  const detail::Poller* poller_;
};

class EventQueue {
 public:
  /// Fails if the process or the system has no more descriptors.
  [[nodiscard]] static Result<EventQueue> create();

  EventQueue(EventQueue&& other) noexcept;
  EventQueue& operator=(EventQueue&& other) noexcept;
  ~EventQueue();

  /// Registers `handle`, which stays the caller's. If it is ready now, the next poll says so. A
  /// number that is registered already is registered anew. Fails with EventQueueError::not_pollable
  /// for a regular file, not_open for one that is not open, too_many for a limit of the
  /// system, or not_enough_memory.
  [[nodiscard]] Result<void> add(NativeHandle handle, std::uint64_t token, Interest interest,
                                 Trigger trigger = Trigger::level);

  /// Changes all that was said of `handle`, and arms it. If it is ready now, the next poll says so;
  /// events that were found for the earlier settings and not yet handled are dropped.
  [[nodiscard]] Result<void> modify(NativeHandle handle, std::uint64_t token, Interest interest,
                                    Trigger trigger = Trigger::level);

  /// Ends the registration; no event of it is handed out any more. To be called before `handle` is
  /// closed. (One that was closed without it leaves the queue by itself, unless the open object
  /// lives on under another number; then its events are dropped from the moment that this is called
  /// or the number is reused.)
  [[nodiscard]] Result<void> remove(NativeHandle handle);

  /// Waits until a registered handle is ready, `timeout` (none: no limit; zero or less: no wait)
  /// has passed, or wake() was called; the last two give an empty range. Writes into `room`, which
  /// holds at least one Event; what does not fit comes with the next poll. Interrupted by a signal,
  /// it goes on.
  [[nodiscard]] Result<Events> poll(std::span<Event> room,
                                    std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

  /// Makes the poll that is under way, or else the next one, return. Wake-ups that meet coalesce.
  /// Never blocks, never fails. Any thread, while the queue is neither moved nor destroyed.
  void wake() noexcept;

  /// For another queue, or a loop, to watch (not to read from): readable when a poll() would have
  /// something to give, or was woken. Ask for it after each poll(): after handles were closed that
  /// live on under another number it may be another one. A task waits by wait_for_events(), in
  /// <weft/net.hpp>.
  [[nodiscard]] NativeHandle native_handle() const noexcept;

 private:
  explicit EventQueue(std::unique_ptr<detail::Poller> poller) noexcept;

  std::unique_ptr<detail::Poller> poller_;  // its address is what wake() and Events hold on to
};

/// Why an EventQueue refused; the messages say what to do. They compare equal to the std::errc in
/// brackets.
enum class EventQueueError {
  not_registered = 1,  ///< (no_such_file_or_directory)
  not_pollable,        ///< (operation_not_permitted)
  not_open,            ///< (bad_file_descriptor)
  too_many,            ///< (no_space_on_device)
  no_room,             ///< (invalid_argument)
};

[[nodiscard]] const std::error_category& event_queue_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(EventQueueError error) noexcept {
  return {static_cast<int>(error), event_queue_category()};
}

}  // namespace weft

template <>
struct std::is_error_code_enum<weft::EventQueueError> : std::true_type {};
