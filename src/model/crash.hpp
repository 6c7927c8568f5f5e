// CrashReport: while an exploration runs, a crash of the program under the model checker says in
// which execution it happened: on standard error, before the process ends as it would have.
#pragma once

#include <array>
#include <csignal>

namespace weft::model {

class Scheduler;

/// One at a time in a process; a second one does nothing. Signals that somebody handles already,
/// as the sanitizers do, are left to him; the sanitizers' own reports are followed by ours.
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

}  // namespace weft::model
