// context.hpp for x86-64, System V (psABI 1.0, 3.2.1: rbx, rbp, r12 to r15, and the control bits of
// mxcsr and of the x87 control word).
//
// A saved flow, from its stack pointer up:
//    0 mxcsr   4 x87 control word   8 r15   16 r14   24 r13   32 r12   40 rbx   48 rbp   56 rip
//
// It returns by an indirect jump: where a switch returns to is not where the processor's return
// stack says, and that misprediction costs more than all the rest. This file is no part of a shadow
// stack (CET): it has no property note, so the linker does not let the program claim one.

#if defined(__x86_64__) && !defined(_WIN32)

        .text

        .globl  weft_switch_context
        .type   weft_switch_context, @function
        .p2align 4
weft_switch_context:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movl    (%rsp), %eax
        movzwl  4(%rsp), %ecx

        movq    %rsp, (%rdi)
        movq    %rsi, %rsp              // the same layout there: the frame information still holds

        xorl    (%rsp), %eax
        testl   $0xffc0, %eax           // the control bits; loading is slow, and they seldom differ
        jnz     2f
1:      cmpw    %cx, 4(%rsp)
        jne     3f
4:      addq    $8, %rsp
        .cfi_remember_state
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        movq    %rdx, %rax
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        notrack jmp *%rcx

        .cfi_restore_state
2:      ldmxcsr (%rsp)
        jmp     1b
3:      fldcw   4(%rsp)
        jmp     4b
        .cfi_endproc
        .size   weft_switch_context, . - weft_switch_context

        // (top, bottom, entry): the entry waits in r12 for weft_context_entry.
        .globl  weft_make_context
        .type   weft_make_context, @function
        .p2align 4
weft_make_context:
        .cfi_startproc
        endbr64
        andq    $-16, %rdi
        leaq    -64(%rdi), %rax
        stmxcsr (%rax)
        fnstcw  4(%rax)
        movw    $0, 6(%rax)
        xorl    %ecx, %ecx
        movq    %rcx, 8(%rax)
        movq    %rcx, 16(%rax)
        movq    %rcx, 24(%rax)
        movq    %rdx, 32(%rax)
        movq    %rcx, 40(%rax)
        movq    %rcx, 48(%rax)          // the end of the chain of frame pointers
        leaq    weft_context_entry(%rip), %rcx
        movq    %rcx, 56(%rax)
        ret
        .cfi_endproc
        .size   weft_make_context, . - weft_make_context

        .globl  weft_context_entry
        .hidden weft_context_entry
        .type   weft_context_entry, @function
        .p2align 4
weft_context_entry:
        .cfi_startproc
        .cfi_undefined %rip             // nobody called this: backtraces end here
        endbr64
        movq    %rax, %rdi
        call    *%r12
        ud2                             // an entry does not return
        .cfi_endproc
        .size   weft_context_entry, . - weft_context_entry

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits     // the stack need not be executable
#endif
