// SIGINT and SIGTERM as an awaitable.
#pragma once

#include <weft/task.hpp>

namespace weft::tool {

/// From its construction on, the two signals no longer end the process but are kept for next();
/// after its end they have no effect, so that a second one does not change how a process ends that
/// is about to. Construct it before any thread starts (threads inherit the signal mask), one at a
/// time. Used by one task.
class StopSignals {
 public:
  /// Throws std::system_error when the system has no descriptor left.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// From now on a signal, also one that has come meanwhile, ends the process at once with this
  /// exit code, and nothing more is done or written. For the time in which a runtime ends.
  void end_process_with(int exit_code) noexcept;

  /// Waits for the next of the two and returns its number. Cancel: no signal is lost.
  [[nodiscard]] Task<int> next();
  /// Returns a handle that poll() finds readable while a signal has come that next() has not
  /// returned.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Returns whether a signal has come that next() has not returned.
  [[nodiscard]] bool pending() const noexcept;

 private:
  int fd_;
};

}  // namespace weft::tool
