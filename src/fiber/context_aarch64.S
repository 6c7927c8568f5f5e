// context.hpp for AArch64 (AAPCS64, 6.1: x19 to x30, sp, d8 to d15, and fpcr).
//
// A saved flow, from its stack pointer up:
//    0 x19 … x28   80 x29   88 x30 (the address to resume at)   96 d8 … d15   160 fpcr   168 unused

#if defined(__aarch64__)

        .text

        .globl  weft_switch_context
        .type   weft_switch_context, %function
        .p2align 4
weft_switch_context:
        .cfi_startproc
        hint    #34                     // bti c
        sub     sp, sp, #176
        .cfi_def_cfa_offset 176
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
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        .cfi_rel_offset d8, 96
        .cfi_rel_offset d9, 104
        .cfi_rel_offset d10, 112
        .cfi_rel_offset d11, 120
        .cfi_rel_offset d12, 128
        .cfi_rel_offset d13, 136
        .cfi_rel_offset d14, 144
        .cfi_rel_offset d15, 152
        mrs     x9, fpcr
        str     x9, [sp, #160]

        mov     x10, sp
        str     x10, [x0]
        ldr     x10, [x1]
        mov     sp, x10                 // the same layout there: the frame information still holds

        ldr     x10, [sp, #160]
        cmp     x9, x10
        b.eq    1f                      // writing is slow, and they seldom differ
        msr     fpcr, x10
1:      ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #176
        .cfi_def_cfa_offset 0
        mov     x0, x2
        ret
        .cfi_endproc
        .size   weft_switch_context, . - weft_switch_context

        // (context, top, bottom, entry): the entry waits in x19 for weft_context_entry.
        .globl  weft_make_context
        .type   weft_make_context, %function
        .p2align 4
weft_make_context:
        .cfi_startproc
        hint    #34                     // bti c
        and     x1, x1, #-16
        sub     x1, x1, #176
        str     x1, [x0]
        stp     x3, xzr, [x1, #0]
        stp     xzr, xzr, [x1, #16]
        stp     xzr, xzr, [x1, #32]
        stp     xzr, xzr, [x1, #48]
        stp     xzr, xzr, [x1, #64]
        adr     x9, weft_context_entry
        stp     xzr, x9, [x1, #80]      // x29: the end of the chain of frame pointers
        stp     xzr, xzr, [x1, #96]
        stp     xzr, xzr, [x1, #112]
        stp     xzr, xzr, [x1, #128]
        stp     xzr, xzr, [x1, #144]
        mrs     x9, fpcr
        stp     x9, xzr, [x1, #160]
        ret
        .cfi_endproc
        .size   weft_make_context, . - weft_make_context

        .globl  weft_context_entry
        .hidden weft_context_entry
        .type   weft_context_entry, %function
        .p2align 4
weft_context_entry:
        .cfi_startproc
        .cfi_undefined x30              // no caller: backtraces end here
        hint    #36                     // bti j
        blr     x19                     // the argument of the switch is in x0
        brk     #1                      // an entry does not return
        .cfi_endproc
        .size   weft_context_entry, . - weft_context_entry

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits     // the stack need not be executable
#endif
