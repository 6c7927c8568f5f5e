// FlowContext: a suspended flow of control, and the switch from one flow to another. Used by
// FiberScheduler; knows nothing of fibers. Each processor and calling convention has its own
// context_*.S, which defines the three functions declared here.
//
// A switch preserves what a call of a function preserves: the callee-saved registers, and the
// control bits of floating point (rounding, precision, exception masks). Debuggers and unwinders
// see a call like any other, up to the entry of the flow, where the stack ends.
//
// Thread-safety: one thread at a time uses a context. A flow may be resumed on another thread only
// if no compiler has kept a thread's own objects (thread_local addresses, errno) across the switch.
// Fibers do not rely on that: they stay on the thread where they began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" {
/// Where a flow is resumed. The other registers are on its stack.
struct weft_saved_context {
  void* stack_pointer = nullptr;
  // On x86-64 (not Windows) only; the argument of the next flow is then in rdx.
  void* frame_pointer = nullptr;
  void* instruction = nullptr;
  unsigned int mxcsr = 0;
  unsigned short x87_control = 0;
};
/// Saves the running flow in `from`, and resumes the flow saved in `to` with `argument`: as the
/// result of its own call of this function, or as the argument of its entry. Returns when another
/// flow resumes the one saved here.
void* weft_switch_context(weft_saved_context* from, const weft_saved_context* to,
                          void* argument) noexcept;
/// Lays out a flow on the memory between `bottom` and `top`, and saves it in `context`. The flow
/// begins with a call of `entry`, which must not return. Its floating-point control is the
/// caller's.
void weft_make_context(weft_saved_context* context, void* top, void* bottom,
                       void (*entry)(void* argument) noexcept) noexcept;
/// The first code of a new flow; never called by C++.
void weft_context_entry() noexcept;
}

namespace weft::inline v0_1::detail {

class FlowContext {
 public:
  using Entry = void (*)(void* argument) noexcept;

  /// The memory that laying out a flow takes at the top of its stack.
  static constexpr std::size_t least_stack = 1024;

  /// Holds no flow: for the flow that will be suspended into it.
  FlowContext() noexcept = default;
  /// Makes a flow on `stack`, of at least least_stack bytes, that begins at `entry`, which must not
  /// return. The stack must live as long as the flow.
  FlowContext(std::span<std::byte> stack, Entry entry) noexcept {
    weft_make_context(&saved_, stack.data() + stack.size(), stack.data(), entry);
  }
  /// As above, from within another flow. Where contexts keep the floating-point control (x86-64,
  /// except on Windows), takes that of `like`, as reading the register is slow; elsewhere the
  /// caller's.
  FlowContext(std::span<std::byte> stack, Entry entry, const FlowContext& like) noexcept;
  FlowContext(const FlowContext&) = delete;
  FlowContext& operator=(const FlowContext&) = delete;

  /// Suspends the running flow here, and resumes `next`. A flow may be resumed once for each
  /// suspension. Returns the argument of the flow that resumes this one.
  void* suspend_and_go_on(const FlowContext& next, void* argument) noexcept {
    return weft_switch_context(&saved_, &next.saved_, argument);
  }
  /// As suspend_and_go_on(), without a call where this processor has such a form. Then only what
  /// the caller still needs is saved, and the processor's return predictions stay correct if both
  /// flows are suspended by the same line. For the one place where fibers switch.
  [[gnu::always_inline]] void* suspend_and_go_on_inline(const FlowContext& next,
                                                        void* argument) noexcept;

  /// The end of a suspended flow's stack.
  [[nodiscard]] const void* stack_pointer() const noexcept { return saved_.stack_pointer; }

 private:
  weft_saved_context saved_;
};

#if defined(__x86_64__) && defined(__ELF__)
// As weft_make_context() in context_x86_64.S.
inline FlowContext::FlowContext(std::span<std::byte> stack, Entry entry,
                                const FlowContext& like) noexcept
    : saved_(like.saved_) {
  std::byte* const top = stack.data() + stack.size();
  saved_.stack_pointer = top - reinterpret_cast<std::uintptr_t>(top) % 16;
  saved_.frame_pointer = reinterpret_cast<void*>(entry);
  saved_.instruction = reinterpret_cast<void*>(&weft_context_entry);
}
#else
inline FlowContext::FlowContext(std::span<std::byte> stack, Entry entry,
                                const FlowContext&) noexcept
    : FlowContext(stack, entry) {}
#endif

#if defined(__x86_64__) && defined(__ELF__) && !(defined(__CET__) && (__CET__ & 2)) && \
    !defined(__APX_F__)
// As weft_switch_context() in context_x86_64.S; each of the two can resume what the other one
// saved. The compiler saves on the stack what it needs of the clobbered registers; rbp cannot be
// clobbered, so it is saved here. A unit compiled for shadow stacks must not contain this: it would
// claim to support them.
inline void* FlowContext::suspend_and_go_on_inline(const FlowContext& next,
                                                   void* argument) noexcept {
  weft_saved_context* from = &saved_;
  const weft_saved_context* to = &next.saved_;
  asm volatile(
      "movq %%rsp, 0(%[from])\n\t"
      "movq %%rbp, 8(%[from])\n\t"
      "leaq 9f(%%rip), %%rax\n\t"
      "movq %%rax, 16(%[from])\n\t"
      "fnstcw 28(%[from])\n\t"
      "stmxcsr 24(%[from])\n\t"
      "movzwl 28(%[from]), %%eax\n\t"
      "ldmxcsr 24(%[to])\n\t"
      "cmpw %%ax, 28(%[to])\n\t"
      "jne 2f\n"
      "1:\tmovq 0(%[to]), %%rsp\n\t"
      "movq 8(%[to]), %%rbp\n\t"
      "notrack jmp *16(%[to])\n"
      "2:\tfldcw 28(%[to])\n\t"
      "jmp 1b\n"
      "9:"
      : [from] "+D"(from), [to] "+S"(to), "+d"(argument)
      :
      : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
        "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
        "st(7)", "memory", "cc"
#if defined(__AVX512F__)
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",
        "k6", "k7"
#endif
  );
  return argument;
}
#else
inline void* FlowContext::suspend_and_go_on_inline(const FlowContext& next,
                                                   void* argument) noexcept {
  return suspend_and_go_on(next, argument);
}
#endif

}  // namespace weft::inline v0_1::detail
