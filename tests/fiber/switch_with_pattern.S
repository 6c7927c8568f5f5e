// weft_test_switch(from, to, argument, pattern, seen): weft_switch_context() with every register
// that must survive it filled from `pattern`. After the switch back the registers are stored in
// `seen`. The last two words are floating-point control. weft_test_words: the number of words.

#if defined(__x86_64__) && !defined(_WIN32)
        .text
        .globl  weft_test_switch
        .type   weft_test_switch, @function
weft_test_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $24, %rsp
        movq    %r8, (%rsp)
        stmxcsr 8(%rsp)
        fnstcw  12(%rsp)
        movq    (%rcx), %rbx
        movq    8(%rcx), %rbp
        movq    16(%rcx), %r12
        movq    24(%rcx), %r13
        movq    32(%rcx), %r14
        movq    40(%rcx), %r15
        ldmxcsr 48(%rcx)
        fldcw   56(%rcx)
        call    weft_switch_context@PLT
        movq    (%rsp), %r8
        movq    %rbx, (%r8)
        movq    %rbp, 8(%r8)
        movq    %r12, 16(%r8)
        movq    %r13, 24(%r8)
        movq    %r14, 32(%r8)
        movq    %r15, 40(%r8)
        stmxcsr 48(%r8)
        fnstcw  56(%r8)
        ldmxcsr 8(%rsp)
        fldcw   12(%rsp)
        addq    $24, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   weft_test_switch, . - weft_test_switch
        .section .rodata
        .globl  weft_test_words
        .p2align 2
weft_test_words:
        .long   8
#endif

#if defined(__x86_64__) && defined(_WIN32)
        .text
        .globl  weft_test_switch
        .seh_proc weft_test_switch
weft_test_switch:
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
        subq    $216, %rsp              // 32 for the callee, 160 for xmm, 16 for control
        .seh_stackalloc 216
        .seh_endprologue
        movaps  %xmm6, 32(%rsp)
        movaps  %xmm7, 48(%rsp)
        movaps  %xmm8, 64(%rsp)
        movaps  %xmm9, 80(%rsp)
        movaps  %xmm10, 96(%rsp)
        movaps  %xmm11, 112(%rsp)
        movaps  %xmm12, 128(%rsp)
        movaps  %xmm13, 144(%rsp)
        movaps  %xmm14, 160(%rsp)
        movaps  %xmm15, 176(%rsp)
        stmxcsr 192(%rsp)
        fnstcw  196(%rsp)
        movq    (%r9), %rbx
        movq    8(%r9), %rbp
        movq    16(%r9), %r12
        movq    24(%r9), %r13
        movq    32(%r9), %r14
        movq    40(%r9), %r15
        movq    48(%r9), %rdi
        movq    56(%r9), %rsi
        movups  64(%r9), %xmm6
        movups  80(%r9), %xmm7
        movups  96(%r9), %xmm8
        movups  112(%r9), %xmm9
        movups  128(%r9), %xmm10
        movups  144(%r9), %xmm11
        movups  160(%r9), %xmm12
        movups  176(%r9), %xmm13
        movups  192(%r9), %xmm14
        movups  208(%r9), %xmm15
        ldmxcsr 224(%r9)
        fldcw   232(%r9)
        call    weft_switch_context
        movq    320(%rsp), %r9          // the fifth argument: 216 + 64 + 8 + 32
        movq    %rbx, (%r9)
        movq    %rbp, 8(%r9)
        movq    %r12, 16(%r9)
        movq    %r13, 24(%r9)
        movq    %r14, 32(%r9)
        movq    %r15, 40(%r9)
        movq    %rdi, 48(%r9)
        movq    %rsi, 56(%r9)
        movups  %xmm6, 64(%r9)
        movups  %xmm7, 80(%r9)
        movups  %xmm8, 96(%r9)
        movups  %xmm9, 112(%r9)
        movups  %xmm10, 128(%r9)
        movups  %xmm11, 144(%r9)
        movups  %xmm12, 160(%r9)
        movups  %xmm13, 176(%r9)
        movups  %xmm14, 192(%r9)
        movups  %xmm15, 208(%r9)
        stmxcsr 224(%r9)
        fnstcw  232(%r9)
        ldmxcsr 192(%rsp)
        fldcw   196(%rsp)
        movaps  32(%rsp), %xmm6
        movaps  48(%rsp), %xmm7
        movaps  64(%rsp), %xmm8
        movaps  80(%rsp), %xmm9
        movaps  96(%rsp), %xmm10
        movaps  112(%rsp), %xmm11
        movaps  128(%rsp), %xmm12
        movaps  144(%rsp), %xmm13
        movaps  160(%rsp), %xmm14
        movaps  176(%rsp), %xmm15
        addq    $216, %rsp
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
        .section .rdata, "dr"
        .globl  weft_test_words
        .p2align 2
weft_test_words:
        .long   30
#endif

#if defined(__aarch64__)
        .text
        .globl  weft_test_switch
        .type   weft_test_switch, %function
weft_test_switch:
        sub     sp, sp, #192
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mrs     x9, fpcr
        stp     x9, x4, [sp, #160]
        ldp     x19, x20, [x3, #0]
        ldp     x21, x22, [x3, #16]
        ldp     x23, x24, [x3, #32]
        ldp     x25, x26, [x3, #48]
        ldp     x27, x28, [x3, #64]
        ldr     x29, [x3, #80]
        ldr     d8, [x3, #88]
        ldr     d9, [x3, #96]
        ldr     d10, [x3, #104]
        ldr     d11, [x3, #112]
        ldr     d12, [x3, #120]
        ldr     d13, [x3, #128]
        ldr     d14, [x3, #136]
        ldr     d15, [x3, #144]
        ldr     x9, [x3, #152]
        msr     fpcr, x9
        bl      weft_switch_context
        ldp     x9, x4, [sp, #160]
        stp     x19, x20, [x4, #0]
        stp     x21, x22, [x4, #16]
        stp     x23, x24, [x4, #32]
        stp     x25, x26, [x4, #48]
        stp     x27, x28, [x4, #64]
        str     x29, [x4, #80]
        str     d8, [x4, #88]
        str     d9, [x4, #96]
        str     d10, [x4, #104]
        str     d11, [x4, #112]
        str     d12, [x4, #120]
        str     d13, [x4, #128]
        str     d14, [x4, #136]
        str     d15, [x4, #144]
        mrs     x10, fpcr
        stp     x10, xzr, [x4, #152]
        msr     fpcr, x9
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #192
        ret
        .size   weft_test_switch, . - weft_test_switch
        .section .rodata
        .globl  weft_test_words
        .p2align 2
weft_test_words:
        .word   21
#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
