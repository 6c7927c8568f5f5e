#include "fiber/hub.hpp"

#include <cxxabi.h>

#include <utility>

#include "base/check.hpp"
#include "fiber/overflow.hpp"

namespace weft {

namespace {

// Never inlined: a compiler may keep the address of a thread_local over a switch.
[[gnu::noinline]] FiberHub*& current_slot() noexcept {
  static constinit thread_local FiberHub* current = nullptr;
  return current;
}

}  // namespace

FiberHub* FiberHub::current() noexcept { return current_slot(); }

FiberHub* FiberHub::make_current(FiberHub* hub) noexcept {
  FiberHub* const before = std::exchange(current_slot(), hub);
  if (before != nullptr) before->signal_stack_.remove();
  if (hub != nullptr) {
    // SAFETY: the layout is the ABI's: see ExceptionGlobals.
    hub->globals_ = reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals());
    if (hub->stacks_.in_use() != 0) hub->watch_overflows();
  }
  return before;
}

void FiberHub::watch_overflows() noexcept {
  signal_stack_.install();
  report_bad_access(&report_overflow);
}

inline void* FiberHub::go(Flow& from, Flow& to, void* argument, bool ends) noexcept {
  from.exceptions = std::exchange(*globals_, to.exceptions);
  last_ = &from;
  before_switch(from.sanitizer, to.sanitizer, ends);
  void* const given = from.context.suspend_and_go_on(to.context, argument);
  after_switch(from.sanitizer, last_->sanitizer);
  return given;
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

void FiberHub::switch_to(FiberCore& from, FiberCore& to) noexcept {
  running_ = &to;
  static_cast<void>(go(from.flow(), to.flow(), &to, false));
}

}  // namespace weft
