// FiberScheduler: the thread's scheduler, and the switches between its loop and its fibers.
#include "fiber/scheduler.hpp"

#include <cxxabi.h>

#include <utility>

#include "base/check.hpp"
#include "base/thread_context.hpp"
#include "fiber/overflow.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context(). A switch is a suspension, too.
[[gnu::noinline]] FiberScheduler* FiberScheduler::current() noexcept {
  return thread_context().fiber_scheduler;
}

void FiberScheduler::enter_thread() noexcept {
  // SAFETY: the layout is the ABI's: see ExceptionGlobals.
  globals_ = reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals());
  if (queue_ != nullptr) signal_stack_.install();
}

void FiberScheduler::leave_thread() noexcept { signal_stack_.remove(); }

void FiberScheduler::get_ready() noexcept {
  queue_ = PinnedQueue::current();
  signal_stack_.install();
  report_bad_access(&report_overflow);
}

std::coroutine_handle<> FiberScheduler::enter(FiberCore& fiber) noexcept {
  WEFT_CHECK(running_ == nullptr, "a fiber is entered from another one's stack");
  know_thread(loop_.sanitizer);
  running_ = &fiber;
  void* const next = go(loop_, fiber.flow(), &fiber, false);
  running_ = nullptr;
  return next != nullptr ? std::coroutine_handle<>::from_address(next) : std::noop_coroutine();
}

void FiberScheduler::leave(FiberCore& from, std::coroutine_handle<> next, bool ends) noexcept {
  static_cast<void>(go(from.flow(), loop_, next.address(), ends));
}

}  // namespace weft::inline v0_1::detail
