#include "stop_signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <weft/net.hpp>

namespace weft::tool {

namespace {

sigset_t stop_set() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

// Read by a signal handler.
std::atomic<int> code_at_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

int open_blocked() {
  const sigset_t set = stop_set();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

}  // namespace

StopSignals::StopSignals() : fd_(open_blocked()) {}

StopSignals::~StopSignals() { ::close(fd_); }

void StopSignals::end_process_with(int exit_code) noexcept {
  code_at_signal.store(exit_code);
  struct sigaction action{};
  action.sa_handler = [](int) { ::_exit(code_at_signal.load()); };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  const sigset_t set = stop_set();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool StopSignals::pending() const noexcept {
  pollfd asked{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) == 1;
}

Task<int> StopSignals::next() {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    co_await wait_readable(fd_);
  }
  co_return static_cast<int>(info.ssi_signo);
}

}  // namespace weft::tool
