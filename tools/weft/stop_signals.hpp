// SIGINT and SIGTERM as something a task can wait for.
#pragma once

#include <weft/task.hpp>

namespace weft::tool {

/// From its construction on, the two signals no longer end the process but are kept for next(). To
/// be made before any thread is started (threads inherit what is blocked), one at a time; used by
/// one task.
class StopSignals {
 public:
  /// Throws std::system_error when the system has no descriptor left.
  StopSignals();
  /// The signals have their default effect again.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Waits for the next of the two and gives its number. Cancel: no signal is lost.
  [[nodiscard]] Task<int> next();
  /// What a blocking poll() finds readable when one of the two has come and next() has not given
  /// it.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Whether one of the two has come that next() has not given.
  [[nodiscard]] bool pending() const noexcept;

 private:
  int fd_;
};

}  // namespace weft::tool
