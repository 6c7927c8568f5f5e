#include "os/pipe_signal.hpp"

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <ctime>

namespace weft::inline v0_1::detail {

namespace {

sigset_t pipe_signal() noexcept {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  return only;
}

}  // namespace

BlockedPipeSignal::BlockedPipeSignal() noexcept {
  const sigset_t only = pipe_signal();
  pthread_sigmask(SIG_BLOCK, &only, &before_);
  was_blocked_ = sigismember(&before_, SIGPIPE) == 1;
  if (!was_blocked_) return;  // then none was pending: it would have been delivered
  sigset_t pending;
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
}

BlockedPipeSignal::~BlockedPipeSignal() {
  if (was_blocked_) return;
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = error;
}

void BlockedPipeSignal::consume() const noexcept {
  if (was_pending_) return;
  const sigset_t only = pipe_signal();
  const std::timespec at_once{};
  while (sigtimedwait(&only, nullptr, &at_once) < 0 && errno == EINTR) {
  }
}

}  // namespace weft::inline v0_1::detail
