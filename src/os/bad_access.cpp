#include "os/bad_access.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <weft/atomic.hpp>

#include "base/end_hook.hpp"

namespace weft::inline v0_1::detail {

namespace {

using Report = void (*)(const void*) noexcept;

// Written once, before the handlers are installed; the installation orders it for every thread that
// runs a handler.
Atomic<Report> report_now{nullptr};
struct sigaction before_segv;
struct sigaction before_bus;

void on_signal(int signal, siginfo_t* info, void* context) noexcept {
  if (const Report report = report_now.load(std::memory_order_acquire)) report(info->si_addr);
  const struct sigaction& before = signal == SIGBUS ? before_bus : before_segv;
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    const bool sent = info->si_code <= 0;  // by kill(2) or the like: there was no access
    if (sent && before.sa_handler == SIG_IGN) return;
    static_cast<void>(BeforeDefault::call(signal));
    // Returns to the access, which is repeated and now ends the process at its place.
    struct sigaction fatal = {};
    fatal.sa_handler = SIG_DFL;
    ::sigaction(signal, &fatal, nullptr);
    if (sent) ::raise(signal);
  }
}

std::size_t signal_stack_bytes() noexcept {
  const long wanted = ::sysconf(_SC_SIGSTKSZ);
  return std::max(static_cast<std::size_t>(std::max(wanted, 0L)), std::size_t{32} << 10);
}

}  // namespace

void AlternateSignalStack::install() noexcept {
  if (installed_) return;
  stack_t now = {};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  const std::size_t size = signal_stack_bytes();
  if (memory_ == nullptr) memory_.reset(new (std::nothrow) std::byte[size]);
  if (memory_ == nullptr) return;
  stack_t mine = {};
  mine.ss_sp = memory_.get();
  mine.ss_size = size;
  installed_ = ::sigaltstack(&mine, nullptr) == 0;
}

void AlternateSignalStack::remove() noexcept {
  if (!installed_) return;
  installed_ = false;
  stack_t now = {};
  if (::sigaltstack(nullptr, &now) != 0 || now.ss_sp != memory_.get()) return;  // replaced since
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
}

void report_bad_access(Report report) noexcept {
  Report expected = nullptr;
  if (!report_now.compare_exchange_strong(expected, report, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
    return;
  }
  ::sigaction(SIGSEGV, nullptr, &before_segv);
  ::sigaction(SIGBUS, nullptr, &before_bus);
  struct sigaction action = {};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGSEGV, &action, nullptr);
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace weft::inline v0_1::detail
