// Park: where a worker waits when it has nothing to run. The executor knows only this; the runtime
// puts a reactor behind it.
#pragma once

#include <weft/native_handle.hpp>

#include <cstdint>
#include <optional>

namespace weft::detail {

class Park {
 public:
  virtual ~Park() = default;

  /// Worker's thread: waits until something was made runnable or unpark() was called. May return
  /// for nothing.
  virtual void park() noexcept = 0;
  /// Worker's thread: makes runnable what has become ready; never waits. May take an unpark(), as
  /// park() does. Does nothing, and gives false, if that was done a moment ago.
  virtual bool poll() noexcept = 0;
  /// Worker's thread: of what was found ready earlier and is not runnable yet, makes the next few
  /// runnable; false: there was none. Never waits, asks nobody.
  [[nodiscard]] virtual bool dispatch_buffered() noexcept { return false; }
  /// Worker's thread: makes runnable what has become ready, whenever that was last done, and never
  /// waits; false: there was nothing. May take an unpark(), as poll() does.
  [[nodiscard]] virtual bool poll_now() noexcept { return dispatch_buffered(); }
  /// What a visitor has left: a handle that is readable when there is more, and the time until
  /// there is without it (negative: never).
  struct RemotePoll {
    NativeHandle handle;
    std::int64_t timeout_ns;
  };
  /// Any other thread, while the worker computes: makes runnable what has become ready, through the
  /// executor that it belongs to. No value: the worker is in here itself, or another visitor is.
  [[nodiscard]] virtual std::optional<RemotePoll> poll_remotely() noexcept { return std::nullopt; }
  /// Worker's thread: the time, in nanoseconds. It may stand still: then no run is long.
  [[nodiscard]] virtual std::int64_t now() noexcept { return 0; }
  /// Any thread: ends the current park(), or else makes the next one not wait. Calls coalesce.
  virtual void unpark() noexcept = 0;
};

}  // namespace weft::detail
