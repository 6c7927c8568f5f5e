// Park: where a worker waits when it has nothing to run, and from where events come while it has.
// The executor knows only this; the runtime puts a reactor behind it (ReactorPark).
#pragma once

#include <weft/native_handle.hpp>

#include <cstdint>
#include <optional>

namespace weft::inline v0_1::detail {

class Park {
 public:
  virtual ~Park() = default;

  // The worker's thread
  /// Waits until something was made runnable or unpark() was called. May return without a reason.
  virtual void park() noexcept = 0;
  /// Makes runnable what has become ready; never waits. May take an unpark(), as park() does.
  /// Returns false, and does nothing, if the last poll was a moment ago.
  virtual bool poll() noexcept = 0;
  /// Makes the next few runnable of what was found ready earlier and is not runnable yet; never
  /// waits, and polls nothing. False: there was none.
  [[nodiscard]] virtual bool dispatch_buffered() noexcept { return false; }
  /// As poll(), however recent the last one was. False: nothing was ready.
  [[nodiscard]] virtual bool poll_now() noexcept { return dispatch_buffered(); }
  /// The time in nanoseconds. It may stand still: then no run is long.
  [[nodiscard]] virtual std::int64_t now() noexcept { return 0; }

  // Other threads
  /// After a remote poll: a handle that is readable when there is more, and the time until there is
  /// more without it (negative: never).
  struct RemotePoll {
    NativeHandle handle;
    std::int64_t timeout_ns;
  };
  /// While the worker computes: polls on its behalf. What has become ready is made runnable through
  /// the executor that it belongs to. No value: the worker, or another remote poll, is in here.
  [[nodiscard]] virtual std::optional<RemotePoll> poll_remotely() noexcept { return std::nullopt; }
  /// Any thread: ends the current park(); if there is none, the next one does not wait. Several
  /// calls count as one.
  virtual void unpark() noexcept = 0;
};

}  // namespace weft::inline v0_1::detail
