// Context: a flow of control that is not running, and the switch from one to another. The machine
// under fibers; knows nothing of them. Each processor and calling convention has its own
// context_*.S, all with the three functions declared here.
//
// What survives a switch is what survives a call of a function: the callee-saved registers, and the
// control bits of floating point (rounding, precision, exception masks). Debuggers and unwinders
// see a call like any other, up to the entry of the flow, where the stack ends.
//
// Thread-safety: a context is used by one thread at a time. It may go on on another thread than the
// one it was suspended on, but only code that no compiler has let remember a thread's own things
// (thread_local addresses, errno) across the switch survives that: fibers stay where they began.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

extern "C" {
/// Saves the running flow on its stack and its stack pointer in `*save`, goes on with the flow that
/// was saved as `to`, and gives it `argument`: as the result of its own call of this function, or
/// as the argument of its entry. Returns when somebody goes on with what was saved here.
void* weft_switch_context(void** save, void* to, void* argument) noexcept;
/// Lays out a flow on the memory below `top` that begins by calling `entry`, which must not return.
/// Gives what weft_switch_context() takes as `to`. Floating-point control is as it is here now.
void* weft_make_context(void* top, void* bottom, void (*entry)(void* argument) noexcept) noexcept;
/// Where a new flow begins; never called by C++.
void weft_context_entry() noexcept;
}

namespace weft {

class Context {
 public:
  using Entry = void (*)(void* argument) noexcept;

  /// The memory that laying out a flow takes at the top of its stack.
  static constexpr std::size_t least_stack = 1024;

  /// Nothing to go on with yet: for the flow that will be suspended into it.
  Context() noexcept = default;
  /// A flow that begins at `entry`, which must not return, on `stack`: at least least_stack bytes.
  /// They must live as long as the flow.
  Context(std::span<std::byte> stack, Entry entry) noexcept
      : stack_pointer_(weft_make_context(stack.data() + stack.size(), stack.data(), entry)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] explicit operator bool() const noexcept { return stack_pointer_ != nullptr; }

  /// Suspends the running flow here, and goes on with `next`, which is then empty: a flow goes on
  /// once each time it was suspended. Gives the argument of whoever comes back here.
  void* suspend_and_go_on(Context& next, void* argument) noexcept {
    return weft_switch_context(&stack_pointer_, std::exchange(next.stack_pointer_, nullptr),
                               argument);
  }

 private:
  void* stack_pointer_ = nullptr;
};

}  // namespace weft
