// Handles that another component owns: waiting until they are ready, one at a time (Pollable,
// wait_readable(), wait_writable()) or those of an EventQueue together (wait_for_events()).
//
// Thread-safety: as each function says; the awaited operation must stay alive until it ends.
#pragma once

#include <span>
#include <weft/detail/net_request.hpp>
#include <weft/event_queue.hpp>
#include <weft/extend/io.hpp>
#include <weft/native_handle.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1 {

/// Waits for a handle that another component owns (a signalfd, a pipe, a library's socket). Never
/// closes the handle and never reads from it. The handle must be open, and of a kind that the
/// system can poll (not a regular file), while it is waited for. For handles that a library may
/// close at any time use wait_for_events(). Any number of tasks may wait for one handle, through
/// one object or several. If the handle is closed under a wait, the wait may last for ever; if its
/// number is then used again, the wait ends with errc::bad_file_descriptor, or for the new handle.
///
/// close() and the destructor end the waits with errc::operation_canceled, and may come at any
/// time.
///
///   weft::Pollable pollable(signal_fd);
///   co_await pollable.readable();
class Pollable {
 public:
  /// Throws std::bad_alloc.
  explicit Pollable(NativeHandle handle);
  ~Pollable() { source_->drop_owner(); }
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;

  /// Waits until a read (a write) would not block, which includes end of stream, hang-up and error.
  [[nodiscard]] IoOp<detail::ReadyRequest> readable() noexcept {
    return IoOp<detail::ReadyRequest>(detail::ReadyRequest(source_, interest::readable));
  }
  [[nodiscard]] IoOp<detail::ReadyRequest> writable() noexcept {
    return IoOp<detail::ReadyRequest>(detail::ReadyRequest(source_, interest::writable));
  }
  /// Ends all waits, also later ones, with errc::operation_canceled. Any thread.
  void close() noexcept { source_->close(); }

 private:
  Source* const source_;
};

/// Waits once for `handle` in that way; see Pollable.
[[nodiscard]] Task<void> wait_readable(NativeHandle handle);
[[nodiscard]] Task<void> wait_writable(NativeHandle handle);

/// Waits within a runtime for events of `queue` and returns them as EventQueue::poll() does.
/// Returns no events if `deadline` has passed, if the queue was woken, or spuriously. With it a
/// task polls the handles of a library with a loop interface: many at the same time, registered,
/// modified and removed from the library's callbacks. A handle that is closed while it is waited
/// for, and a number that is reused for another handle, do no harm. A deadline that has passed lets
/// other tasks run first. The queue (except its wake()) and `room` must not be used by others until
/// this ends, and by one task at a time. If the queue is destroyed or assigned to meanwhile, on any
/// thread, this ends with errc::operation_canceled. Throws IoError. Cancel: no event was taken from
/// the queue.
[[nodiscard]] Task<Events> wait_for_events(EventQueue& queue, std::span<Event> room,
                                           TimePoint deadline = TimePoint::max());

}  // namespace weft::inline v0_1
