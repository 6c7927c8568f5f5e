// What a test may ask about the child processes of the test program.
#pragma once

#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "support/sanitizers.hpp"

namespace weft::test {

/// Whether the process has no child, running or ended. Under ThreadSanitizer, which keeps a child
/// of its own: whether none has ended that was not waited for.
inline bool no_child_is_left() {
  siginfo_t info{};
  const int result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
  if (result != 0) return errno == ECHILD;
  return thread_sanitizer && info.si_pid == 0;
}

/// Whether the process has a child, and none that has ended and was not waited for. Under
/// ThreadSanitizer its own counts, too.
inline bool child_still_runs() {
  siginfo_t info{};
  const int result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
  return result == 0 && info.si_pid == 0;
}

/// As no_child_is_left(), looked at again for some seconds: a reaper may be at work.
inline bool no_child_stays() {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!no_child_is_left()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace weft::test
