// A child of the demo: this same program, run with other arguments, its standard output on a pipe.
// Blocking calls. The main thread uses them before the runtime starts and after it has ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace weft::tool {

class ChildProcess {
 public:
  /// Starts this program with `arguments`, in a process group of its own (Ctrl-C does not reach it)
  /// and with no signal blocked. Throws std::system_error.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  /// Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Returns the next line it prints, without the newline, or the available part of it when it
  /// ends, when `limit` passes, or when `interrupt_fd`, if given, becomes readable.
  [[nodiscard]] std::string read_line(std::chrono::milliseconds limit, int interrupt_fd = -1);
  /// Waits at most `limit` for the line "listening on ADDRESS" and returns ADDRESS. Throws
  /// std::runtime_error for any other line.
  [[nodiscard]] std::string read_listening_address(std::chrono::milliseconds limit);
  /// Asks it to end (SIGTERM), waits, and returns its exit code, or 128 + the signal that ended it.
  /// `at_once`: without draining.
  int stop(bool at_once);

 private:
  int wait();

  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace weft::tool
