#include "stop_signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <weft/io.hpp>

namespace weft::tool {

namespace {

sigset_t stop_set() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

int open_blocked() {
  const sigset_t set = stop_set();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

// Waits until there is something to read from `source`.
struct ReadableRequest {
  using value_type = void;
  Source* source;

  void prepare(Operation& operation) noexcept {
    operation.kind = OperationKind::poll;
    operation.source = source;
    operation.interests = interest::readable;
  }
  Result<void> finish(std::int64_t result) noexcept {
    if (result < 0) return fail(os_error(static_cast<int>(-result)));
    return {};
  }
  [[nodiscard]] IoError error(std::error_code code) const {
    return IoError(code, "poll", "signals");
  }
};

}  // namespace

StopSignals::StopSignals() : source_(open_blocked()) {}

StopSignals::~StopSignals() {
  const sigset_t set = stop_set();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Task<int> StopSignals::next() {
  signalfd_siginfo info{};
  while (::read(source_.handle(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    co_await IoOp<ReadableRequest>(ReadableRequest{&source_});
  }
  co_return static_cast<int>(info.ssi_signo);
}

}  // namespace weft::tool
