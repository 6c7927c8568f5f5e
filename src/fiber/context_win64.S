// context.hpp for Windows on x86-64 (Microsoft's x64 calling convention: rbx, rbp, rdi, rsi, r12 to
// r15, xmm6 to xmm15, and the control bits of mxcsr and of the x87 control word).
//
// The thread's information block holds the bounds of its stack, which exceptions check:
// ExceptionList (gs:0), StackBase (gs:8), StackLimit (gs:16) and DeallocationStack (gs:0x1478) are
// switched with the flow.
//
// A saved flow, from its stack pointer up:
//    0 xmm6 … xmm15   160 mxcsr   164 x87 control word   168 ExceptionList   176 StackBase
//    184 StackLimit   192 DeallocationStack   200 r15 r14 r13 r12 rsi rdi rbx rbp   264 rip

#if defined(__x86_64__) && defined(_WIN32)

        .text

        .globl  weft_switch_context
        .p2align 4
        .seh_proc weft_switch_context
weft_switch_context:
        pushq   %rbp
        .seh_pushreg %rbp
        pushq   %rbx
        .seh_pushreg %rbx
        pushq   %rdi
        .seh_pushreg %rdi
        pushq   %rsi
        .seh_pushreg %rsi
        pushq   %r12
        .seh_pushreg %r12
        pushq   %r13
        .seh_pushreg %r13
        pushq   %r14
        .seh_pushreg %r14
        pushq   %r15
        .seh_pushreg %r15
        subq    $200, %rsp
        .seh_stackalloc 200
        movaps  %xmm6, (%rsp)
        .seh_savexmm %xmm6, 0
        movaps  %xmm7, 16(%rsp)
        .seh_savexmm %xmm7, 16
        movaps  %xmm8, 32(%rsp)
        .seh_savexmm %xmm8, 32
        movaps  %xmm9, 48(%rsp)
        .seh_savexmm %xmm9, 48
        movaps  %xmm10, 64(%rsp)
        .seh_savexmm %xmm10, 64
        movaps  %xmm11, 80(%rsp)
        .seh_savexmm %xmm11, 80
        movaps  %xmm12, 96(%rsp)
        .seh_savexmm %xmm12, 96
        movaps  %xmm13, 112(%rsp)
        .seh_savexmm %xmm13, 112
        movaps  %xmm14, 128(%rsp)
        .seh_savexmm %xmm14, 128
        movaps  %xmm15, 144(%rsp)
        .seh_savexmm %xmm15, 144
        .seh_endprologue
        stmxcsr 160(%rsp)
        fnstcw  164(%rsp)
        movq    %gs:0, %rax
        movq    %rax, 168(%rsp)
        movq    %gs:8, %rax
        movq    %rax, 176(%rsp)
        movq    %gs:16, %rax
        movq    %rax, 184(%rsp)
        movq    %gs:0x1478, %rax
        movq    %rax, 192(%rsp)

        movq    %rsp, (%rcx)
        movq    (%rdx), %rsp            // the same layout there: the unwind information still holds

        ldmxcsr 160(%rsp)
        fldcw   164(%rsp)
        movq    168(%rsp), %rax
        movq    %rax, %gs:0
        movq    176(%rsp), %rax
        movq    %rax, %gs:8
        movq    184(%rsp), %rax
        movq    %rax, %gs:16
        movq    192(%rsp), %rax
        movq    %rax, %gs:0x1478
        movq    %r8, %rax
        movaps  (%rsp), %xmm6
        movaps  16(%rsp), %xmm7
        movaps  32(%rsp), %xmm8
        movaps  48(%rsp), %xmm9
        movaps  64(%rsp), %xmm10
        movaps  80(%rsp), %xmm11
        movaps  96(%rsp), %xmm12
        movaps  112(%rsp), %xmm13
        movaps  128(%rsp), %xmm14
        movaps  144(%rsp), %xmm15
        addq    $200, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rsi
        popq    %rdi
        popq    %rbx
        popq    %rbp
        ret
        .seh_endproc

        // (context, top, bottom, entry): the entry waits in r12 for weft_context_entry, which finds
        // 0 above its frame, where a caller's address would be: unwinding ends there.
        .globl  weft_make_context
        .p2align 4
weft_make_context:
        andq    $-16, %rdx
        leaq    -288(%rdx), %rax
        movq    %rax, (%rcx)
        leaq    272(%rax), %rcx
        xorl    %r10d, %r10d
        movq    %r10, (%rcx)
        movq    %r10, 8(%rcx)
        xorps   %xmm0, %xmm0
        movaps  %xmm0, (%rax)
        movaps  %xmm0, 16(%rax)
        movaps  %xmm0, 32(%rax)
        movaps  %xmm0, 48(%rax)
        movaps  %xmm0, 64(%rax)
        movaps  %xmm0, 80(%rax)
        movaps  %xmm0, 96(%rax)
        movaps  %xmm0, 112(%rax)
        movaps  %xmm0, 128(%rax)
        movaps  %xmm0, 144(%rax)
        stmxcsr 160(%rax)
        fnstcw  164(%rax)
        movw    $0, 166(%rax)
        movq    $-1, 168(%rax)          // the end of the list of exception handlers
        movq    %rdx, 176(%rax)         // the stack's base
        movq    %r8, 184(%rax)
        movq    %r8, 192(%rax)
        movq    %r10, 200(%rax)
        movq    %r10, 208(%rax)
        movq    %r10, 216(%rax)
        movq    %r9, 224(%rax)          // r12
        movq    %r10, 232(%rax)
        movq    %r10, 240(%rax)
        movq    %r10, 248(%rax)
        movq    %r10, 256(%rax)
        leaq    weft_context_entry(%rip), %rcx
        movq    %rcx, 264(%rax)
        ret

        .globl  weft_context_entry
        .p2align 4
        .seh_proc weft_context_entry
weft_context_entry:
        subq    $32, %rsp               // room for the callee's arguments
        .seh_stackalloc 32
        .seh_endprologue
        movq    %rax, %rcx
        call    *%r12
        ud2                             // an entry does not return
        .seh_endproc
#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits     // the stack need not be executable
#endif
