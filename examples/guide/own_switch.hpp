// The switch from one stack to another, for chapter 5 of the guide. One file of a program includes
// it, and the program is one for Linux.
#pragma once

// [refuse]
#if !defined(__linux__)
#error \
    "own_switch.hpp: the switch keeps what functions rely on under Linux. Other systems rely on \
more (Windows: rdi, rsi, xmm6 to xmm15, bounds of the stack): see src/fiber/context_win64.S"
#elif !(defined(__x86_64__) && defined(__LP64__)) && !defined(__aarch64__)
#error "own_switch.hpp: the switch is written for x86-64 and AArch64, in their 64-bit modes"
#else
// [/refuse]
#include <array>
#include <cstddef>

// [declaration]
/// Puts this flow's registers on its stack, notes the stack pointer in `*from`, takes `to` for the
/// stack pointer, and fetches that flow's registers from there. It returns in the other flow.
extern "C" void switch_stack(void** from, void* to);
// [/declaration]

#if defined(__x86_64__)
// [x86]
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
// [/x86]
// [words]
/// What lies on a stack that is switched away from, from its stack pointer up.
inline constexpr std::array saved_words{"r15", "r14", "r13", "r12", "rbx", "rbp", "return address"};
inline constexpr std::size_t return_word = 6;
/// A function expects its stack pointer to be odd by one word, as a call leaves it.
inline constexpr std::size_t words_above = 1;
// [/words]
#else
// [arm]
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
// [/arm]
inline constexpr std::array saved_words{"x29", "return address (x30)",
                                        "x19", "x20",
                                        "x21", "x22",
                                        "x23", "x24",
                                        "x25", "x26",
                                        "x27", "x28",
                                        "d8",  "d9",
                                        "d10", "d11",
                                        "d12", "d13",
                                        "d14", "d15"};
inline constexpr std::size_t return_word = 1;
inline constexpr std::size_t words_above = 0;
#endif
#endif
