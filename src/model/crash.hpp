// CrashReport: if the program under the model checker crashes during an exploration, prints the
// execution in which it happened to standard error; then the process ends as it would have.
#pragma once

#include <array>
#include <csignal>

namespace weft::inline v0_1::model {

class Scheduler;

/// One at a time in a process; a second one does nothing. Signals that have a handler already, such
/// as the sanitizers', keep it; this report then follows the sanitizer's own.
class CrashReport {
 public:
  explicit CrashReport(Scheduler& scheduler) noexcept;
  ~CrashReport();
  CrashReport(const CrashReport&) = delete;
  CrashReport& operator=(const CrashReport&) = delete;

 private:
  static constexpr std::array<int, 5> signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

  std::array<struct sigaction, signals.size()> before_{};
  bool installed_ = false;
};

}  // namespace weft::inline v0_1::model
