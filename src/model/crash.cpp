#include "model/crash.hpp"

#include <unistd.h>

#include <atomic>
#include <string>
#include <string_view>

#include "fiber/sanitizer.hpp"
#include "model/scheduler.hpp"

#if defined(WEFT_FIBER_ASAN) || defined(WEFT_FIBER_TSAN)
#include <sanitizer/common_interface_defs.h>
#define WEFT_MODEL_SANITIZED 1
#endif

namespace weft::inline v0_1::model {
namespace {

// For the signal handlers, which get no argument.
constinit std::atomic<Scheduler*> explored{nullptr};

/// Not async-signal-safe in the strict sense, because it allocates. But the process ends anyway,
/// and most crashes are not in the allocator.
void say_where(const char* what) noexcept {
  Scheduler* const scheduler = explored.exchange(nullptr, std::memory_order_relaxed);
  if (scheduler == nullptr || Scheduler::current() != scheduler) return;
  const std::string text = "model checker: " + scheduler->describe(what);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ::ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void on_signal(int signal) noexcept {
  say_where("a crash");
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

CrashReport::CrashReport(Scheduler& scheduler) noexcept {
  Scheduler* none = nullptr;
  installed_ = explored.compare_exchange_strong(none, &scheduler, std::memory_order_relaxed);
  if (!installed_) return;
#ifdef WEFT_MODEL_SANITIZED
  __sanitizer_set_death_callback([] { say_where("what the sanitizer has reported"); });
#endif
  struct sigaction ours{};
  ours.sa_handler = on_signal;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_DFL) ::sigaction(signals[i], &ours, nullptr);
  }
}

CrashReport::~CrashReport() {
  if (!installed_) return;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (before_[i].sa_handler == SIG_DFL) ::sigaction(signals[i], &before_[i], nullptr);
  }
  explored.store(nullptr, std::memory_order_relaxed);
}

}  // namespace weft::inline v0_1::model
