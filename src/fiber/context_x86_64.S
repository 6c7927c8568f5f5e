// context.hpp for x86-64, System V (psABI 1.0, 3.2.1: rbx, rbp, r12 to r15, and the control bits of
// mxcsr and of the x87 control word).
//
// A flow is saved as its stack and frame pointers, the address to resume at, and the control words;
// this function leaves the other registers on the stack. The flow that resumes another one sets rsp
// and rbp, puts the argument into rdx, and jumps. context.hpp has the same switch for inlining.
//
// The resumption is an indirect jump: its target is not the one on the processor's return stack,
// and that misprediction would cost more than all the rest. This file is not for shadow stacks
// (CET): it has no property note, so the linker does not let the program claim one.

#if defined(__x86_64__) && !defined(_WIN32)

        .text

        .globl  weft_switch_context
        .type   weft_switch_context, @function
        .p2align 4
weft_switch_context:
        .cfi_startproc
        endbr64
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
        movq    %rsp, 0(%rdi)
        movq    %rbp, 8(%rdi)
        leaq    5f(%rip), %rax
        movq    %rax, 16(%rdi)
        fnstcw  28(%rdi)
        stmxcsr 24(%rdi)
        movzwl  28(%rdi), %eax
        ldmxcsr 24(%rsi)                // comparing first costs more, on Zen 4 at least
        cmpw    %ax, 28(%rsi)           // comparing pays: they seldom differ, and fldcw is slow
        jne     2f
1:      movq    0(%rsi), %rsp
        movq    8(%rsi), %rbp
        notrack jmp *16(%rsi)
2:      fldcw   28(%rsi)
        jmp     1b

5:      popq    %r15
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
        movq    %rdx, %rax
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        notrack jmp *%rcx
        .cfi_endproc
        .size   weft_switch_context, . - weft_switch_context

        // (context, top, bottom, entry): the entry waits where the frame pointer is.
        .globl  weft_make_context
        .type   weft_make_context, @function
        .p2align 4
weft_make_context:
        .cfi_startproc
        endbr64
        andq    $-16, %rsi
        movq    %rsi, 0(%rdi)
        movq    %rcx, 8(%rdi)
        leaq    weft_context_entry(%rip), %rax
        movq    %rax, 16(%rdi)
        stmxcsr 24(%rdi)
        fnstcw  28(%rdi)
        ret
        .cfi_endproc
        .size   weft_make_context, . - weft_make_context

        .globl  weft_context_entry
        .hidden weft_context_entry
        .type   weft_context_entry, @function
        .p2align 4
weft_context_entry:
        .cfi_startproc
        .cfi_undefined %rip             // no caller: backtraces end here
        endbr64
        movq    %rdx, %rdi
        movq    %rbp, %rax
        xorl    %ebp, %ebp              // the end of the chain of frame pointers
        // A call in all but the processor's return stack: the entry will not return, and the return
        // stack's top is correct again when the flow that resumed this one is resumed.
        leaq    1f(%rip), %rcx
        pushq   %rcx
        .cfi_adjust_cfa_offset 8
        notrack jmp *%rax
1:      ud2
        .cfi_endproc
        .size   weft_context_entry, . - weft_context_entry

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits     // the stack need not be executable
#endif
