#include "fiber/hub.hpp"

#include <cxxabi.h>

#include <utility>

#include "base/check.hpp"
#include "base/thread_pointer.hpp"
#include "fiber/overflow.hpp"

namespace weft {

// Never inlined: see thread_pointer(); a switch is a suspension, too.
[[gnu::noinline]] FiberHub* FiberHub::current() noexcept { return thread_pointer<FiberHub>(); }

[[gnu::noinline]] FiberHub* FiberHub::make_current(FiberHub* hub) noexcept {
  FiberHub* const before = std::exchange(thread_pointer<FiberHub>(), hub);
  if (before != nullptr) before->signal_stack_.remove();
  if (hub != nullptr) {
    // SAFETY: the layout is the ABI's: see ExceptionGlobals.
    hub->globals_ = reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals());
    if (hub->queue_ != nullptr) hub->signal_stack_.install();
  }
  return before;
}

void FiberHub::get_ready() noexcept {
  queue_ = LocalQueue::current();
  signal_stack_.install();
  report_bad_access(&report_overflow);
}

std::coroutine_handle<> FiberHub::enter(FiberCore& fiber) noexcept {
  WEFT_CHECK(running_ == nullptr, "a fiber is entered from another one's stack");
  know_thread(loop_.sanitizer);
  running_ = &fiber;
  void* const next = go(loop_, fiber.flow(), &fiber, false);
  running_ = nullptr;
  return next != nullptr ? std::coroutine_handle<>::from_address(next) : std::noop_coroutine();
}

void FiberHub::leave(FiberCore& from, std::coroutine_handle<> next, bool ends) noexcept {
  static_cast<void>(go(from.flow(), loop_, next.address(), ends));
}

}  // namespace weft
