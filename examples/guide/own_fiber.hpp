// A fiber made by hand: a stack, and a switch of a dozen instructions. For chapter 5 of the guide.
// One thread only; what a fiber throws ends the process; its stack has no guard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

// [switch]
/// Puts this flow's registers on its stack, notes the stack pointer in `*from`, takes `to` for the
/// stack pointer, and fetches that flow's registers from there. It returns in the other flow.
extern "C" void switch_stack(void** from, void* to);

#if defined(__x86_64__)
asm(R"(
switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");
// [/switch]
/// What lies on a stack that is switched away from: six registers, and where to return to.
inline constexpr std::size_t saved_words = 7;
inline constexpr std::size_t return_word = 6;
/// A function expects its stack pointer to be odd by one word, as a call leaves it.
inline constexpr std::size_t words_above = 1;
#elif defined(__aarch64__)
asm(R"(
switch_stack:
    stp x29, x30, [sp, #-160]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    ldp x29, x30, [sp], #160
    ret
)");
inline constexpr std::size_t saved_words = 20;
inline constexpr std::size_t return_word = 1;
inline constexpr std::size_t words_above = 0;
#else
#error "the switch is written down for x86-64 and AArch64"
#endif

// [fiber]
class Fiber {
 public:
  static constexpr std::size_t stack_bytes = 64 * 1024;

  explicit Fiber(std::function<void()> function)
      : function_(std::move(function)), stack_(std::make_unique<Stack>()) {
    // The stack looks as if the fiber had switched away just before its first line.
    std::byte* const top = stack_->data() + stack_bytes;
    std::array<std::uintptr_t, saved_words + words_above> words{};
    words[return_word] = reinterpret_cast<std::uintptr_t>(&Fiber::first_line);
    own_ = top - sizeof words;
    std::memcpy(own_, words.data(), sizeof words);
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs it until it yields or ends. False: it has ended.
  bool resume() {
    if (ended_) return false;
    Fiber* const outer = std::exchange(running_, this);
    switch_stack(&caller_, own_);
    running_ = outer;
    return !ended_;
  }

  /// Called from within a fiber, at any depth below its first function: returns to the resumer.
  static void yield() { switch_stack(&running_->own_, running_->caller_); }

 private:
  struct alignas(16) Stack : std::array<std::byte, stack_bytes> {};

  static void first_line() {
    running_->function_();
    running_->ended_ = true;
    yield();  // for good: a fiber that has ended is not resumed
  }

  static inline Fiber* running_ = nullptr;

  std::function<void()> function_;
  std::unique_ptr<Stack> stack_;
  void* own_ = nullptr;     // its stack pointer, while it does not run
  void* caller_ = nullptr;  // the stack pointer of the resumer, while the fiber runs
  bool ended_ = false;
};
// [/fiber]
